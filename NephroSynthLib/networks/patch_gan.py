"""PatchGAN: a discriminator that judges overlapping patches of an image (Isola et al. 2017, section 3.2)."""

from __future__ import annotations

from torch import Tensor, nn

from NephroSynthLib.networks.blocks import Size, timestep_embedding

SLOPE = 0.2
TIME_FEATURES = 64


class PatchGAN(nn.Module):
    """Five convolutions of width 4, three of them with stride 2, so that each number judges 70 x 70 voxels.

    Instance normalization follows all but the first and the last one, as for batches of one image. In three dimensions
    the first stride along z is 1, because voxels are longest there; a number then judges 37 slices of 70 x 70 voxels.

    Args:
        inputs: Channels of the image with those of its condition.
        flat: Whether it is two-dimensional.
        channels: Features after the first convolution; 64 in the paper.
        timed: Whether it is told a time of a diffusion process.
    """

    def __init__(self, inputs: int, *, flat: bool, channels: int = 16, timed: bool = False) -> None:
        super().__init__()
        strides: list[Size] = [(1, 2, 2)] * 3 if flat else [(1, 2, 2), (2, 2, 2), (2, 2, 2)]
        kernel, padding = ((1, 4, 4), (0, 1, 1)) if flat else ((4, 4, 4), (1, 1, 1))
        widths = [channels, 2 * channels, 4 * channels, 8 * channels]
        self.first = nn.Conv3d(inputs, channels, kernel, strides[0], padding)
        self.time = nn.Linear(TIME_FEATURES, channels) if timed else None
        layers: list[nn.Module] = [nn.LeakyReLU(SLOPE)]
        for before, after, stride in zip(widths[:-1], widths[1:], [*strides[1:], (1, 1, 1)], strict=True):
            layers += [
                nn.Conv3d(before, after, kernel, stride, padding),
                nn.InstanceNorm3d(after, affine=True),
                nn.LeakyReLU(SLOPE),
            ]
        self.rest = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, kernel, 1, padding))

    def forward(self, x: Tensor, t: Tensor | None = None) -> Tensor:
        """Maps (B, inputs, z, y, x), and times (B,) from 0 to 1000 where it is timed, to logits (B, 1, ...), float32.

        A logit above 0 calls its patch real.
        """
        features = self.first(x)
        if self.time is not None and t is not None:
            features = features + self.time(timestep_embedding(t, TIME_FEATURES))[:, :, None, None, None]
        logits: Tensor = self.rest(features).float()
        return logits
