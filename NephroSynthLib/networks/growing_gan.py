"""Generator and discriminator that grow from 4 x 4 pixels while they learn (PGGAN, Karras et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from NephroSynthLib.networks.equalized import (
    SLOPE,
    EqualizedConv,
    EqualizedLinear,
    PixelNorm,
    half,
    judge,
    twice,
)

_ACTIVATION = (nn.LeakyReLU(SLOPE), PixelNorm())


class _Growing(nn.Module):
    """A network whose last levels are not there yet.

    Attributes:
        grown: How far it is grown: 0 for 4 x 4 pixels, 1 for 8 x 8, and 1.5 halfway to 16 x 16; all levels at first.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.grown = float(levels - 1)

    @property
    def _top(self) -> int:
        """The finest level that takes part."""
        return math.ceil(self.grown)

    @property
    def _fading(self) -> bool:
        """Whether that level is not wholly there yet."""
        return self.grown < self._top

    def _faded(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Fades the finest level in (section 2, figure 2)."""
        return torch.lerp(coarse, fine, self.grown - (self._top - 1))


class GrowingGenerator(_Growing):
    """Makes slices from latents; a slice that is not fully grown is enlarged to full size.

    Args:
        latent: Length of a latent.
        widths: Channels at sides of 4, 8, 16 and so on; the last is that of the slices.
    """

    def __init__(self, latent: int, widths: Sequence[int]) -> None:
        super().__init__(len(widths))
        self.latent = latent
        start = EqualizedLinear(latent, widths[0] * 16, gain=math.sqrt(2) / 4)
        self.first = nn.Sequential(PixelNorm(), start, nn.Unflatten(1, (widths[0], 4, 4)), *_ACTIVATION)
        blocks = [nn.Sequential(EqualizedConv(widths[0], widths[0]), *_ACTIVATION)]
        for before, after in pairwise(widths):
            convs = EqualizedConv(before, after), EqualizedConv(after, after)
            blocks.append(nn.Sequential(convs[0], *_ACTIVATION, convs[1], *_ACTIVATION))
        self.blocks = nn.ModuleList(blocks)
        self.to_image = nn.ModuleList(EqualizedConv(width, 1, 1, gain=1.0) for width in widths)

    def forward(self, latents: Tensor) -> Tensor:
        """Maps (n, latent) to slices (n, 1, 1, y, x), about [-1, 1], float32."""
        before = x = self.first(latents)
        for level in range(self._top + 1):
            before, x = x, self.blocks[level](twice(x) if level else x)
        image: Tensor = self.to_image[self._top](x)
        if self._fading:
            image = self._faded(twice(self.to_image[self._top - 1](before)), image)
        for _ in range(self.levels - 1 - self._top):
            image = twice(image)
        return image.float()[:, :, None]


class GrowingDiscriminator(_Growing):
    """Judges slices at the size that the generator is grown to; the mirror image of it.

    Args:
        widths: As those of the generator.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__(len(widths))
        self.from_image = nn.ModuleList(
            nn.Sequential(EqualizedConv(1, width, 1), nn.LeakyReLU(SLOPE)) for width in widths
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                EqualizedConv(fine, fine), nn.LeakyReLU(SLOPE), EqualizedConv(fine, coarse), nn.LeakyReLU(SLOPE)
            )
            for coarse, fine in pairwise(widths)
        )
        self.judge = judge(widths[0])

    def forward(self, images: Tensor) -> Tensor:
        """Maps slices (n, 1, 1, y, x) to scores (n, 1), float32."""
        image = images[:, :, 0]
        for _ in range(self.levels - 1 - self._top):
            image = half(image)
        x = self.from_image[self._top](image)
        for level in reversed(range(self._top)):
            x = half(self.blocks[level](x))
            if level == self._top - 1 and self._fading:
                x = self._faded(self.from_image[level](half(image)), x)
        scores: Tensor = self.judge(x).float()
        return scores
