"""Building blocks of the denoisers: timestep embedding, space to depth, and the residual block."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from NephroSynthLib.networks.norm import NORMS, NormKind

Size = tuple[int, int, int]


def timestep_embedding(t: Tensor, features: int) -> Tensor:
    """Returns the sinusoidal embedding of timesteps (Vaswani et al. 2017, section 3.5).

    Args:
        t: Timesteps, shape (B,), from 0 to 1000.
        features: Length of the embedding, even.

    Returns:
        Tensor of shape (B, features), float32, in [-1, 1].
    """
    half = features // 2
    frequencies = torch.exp(-math.log(10000.0) / half * torch.arange(half, device=t.device, dtype=torch.float32))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def space_to_depth(x: Tensor, factor: Size) -> Tensor:
    """Moves blocks of voxels into channels, (B, C, z, y, x) to (B, C * prod(factor), z / fz, y / fy, x / fx)."""
    fz, fy, fx = factor
    blocks = rearrange(x, "b c (z fz) (y fy) (x fx) -> b z y x (c fz fy fx)", fz=fz, fy=fy, fx=fx)
    return rearrange(blocks, "b z y x c -> b c z y x")


def depth_to_space(x: Tensor, factor: Size) -> Tensor:
    """Moves channels into blocks of voxels; the inverse of `space_to_depth`."""
    fz, fy, fx = factor
    voxels = rearrange(x, "b (c fz fy fx) z y x -> b (z fz) (y fy) (x fx) c", fz=fz, fy=fy, fx=fx)
    return rearrange(voxels, "b z y x c -> b c z y x")


def zero_init(layer: nn.Conv3d | nn.Linear) -> nn.Conv3d | nn.Linear:
    """Sets weight and bias to zero, so that a residual branch starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def same_conv(inputs: int, outputs: int, kernel: Size) -> nn.Conv3d:
    """Returns a convolution that keeps the size of a volume; the kernel's sides are odd."""
    z, y, x = kernel
    return nn.Conv3d(inputs, outputs, kernel, padding=(z // 2, y // 2, x // 2))


class ResBlock(nn.Module):
    """Two convolutions with a skip, scaled and shifted by the timestep (Dhariwal & Nichol 2021, eq. 8).

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        embedding: Length of the timestep embedding.
        norm: Kind of the normalization before each convolution.
        kernel: Size of the convolutions (z, y, x).
    """

    def __init__(
        self, inputs: int, outputs: int, embedding: int, norm: NormKind = "group", kernel: Size = (3, 3, 3)
    ) -> None:
        super().__init__()
        self.norm_in = NORMS[norm](inputs)
        self.conv_in = same_conv(inputs, outputs, kernel)
        self.scale_shift = nn.Linear(embedding, 2 * outputs)
        self.norm_out = NORMS[norm](outputs)
        self.conv_out = zero_init(same_conv(outputs, outputs, kernel))
        self.skip = nn.Conv3d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Maps (B, inputs, z, y, x) and (B, embedding) to (B, outputs, z, y, x)."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        scale, shift = self.scale_shift(F.silu(embedding)).chunk(2, dim=1)
        return self.skip(x) + self.conv_out(F.silu(self.norm_out(h, scale, shift)))
