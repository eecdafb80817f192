"""Shifted-window self-attention in three dimensions (Liu et al. 2021, Swin; 2022, Video Swin)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from NephroSynthLib.networks.blocks import Size


def window_partition(x: Tensor, window: Size) -> Tensor:
    """Returns the windows of (B, z, y, x, C), whose sizes the window divides, as (B * windows, tokens, C)."""
    wz, wy, wx = window
    return rearrange(x, "b (nz wz) (ny wy) (nx wx) c -> (b nz ny nx) (wz wy wx) c", wz=wz, wy=wy, wx=wx)


def window_merge(windows: Tensor, window: Size, size: Size) -> Tensor:
    """Returns the grid of the given size (z, y, x) from its windows; the inverse of `window_partition`."""
    (wz, wy, wx), (z, y, x) = window, size
    return rearrange(
        windows,
        "(b nz ny nx) (wz wy wx) c -> b (nz wz) (ny wy) (nx wx) c",
        nz=z // wz, ny=y // wy, nx=x // wx, wz=wz, wy=wy, wx=wx,
    )  # fmt: skip


def _axis_regions(size: int, padded: int, window: int, shift: int, device: torch.device) -> Tensor:
    """Returns the region of each position of a rolled axis: 1 inside, 2 carried around from the front, 0 padding."""
    position = torch.roll(torch.arange(padded, device=device), -shift)
    region = torch.where(torch.arange(padded, device=device) < padded - shift, 1, 2)
    return torch.where(position < size, region, 0)


def attention_mask(size: Size, padded: Size, window: Size, shift: Size, device: torch.device) -> Tensor | None:
    """Returns which tokens of a window may attend to each other: neighbours in the volume only.

    Tokens never attend to padding, nor to tokens that rolling brought from the far side of the grid.

    Args:
        size: Tokens of the grid (z, y, x) before padding.
        padded: Tokens after padding to a multiple of the window.
        window: Tokens of a window.
        shift: Number of tokens by which the grid was rolled.
        device: Device of the mask.

    Returns:
        Boolean tensor of shape (windows, tokens, tokens), or None if all tokens attend to each other. Padded
        tokens attend to each other, so that no row is empty.
    """
    if size == padded and not any(shift):
        return None
    z, y, x = (_axis_regions(*axis, device) for axis in zip(size, padded, window, shift, strict=True))
    region = z[:, None, None] * 9 + y[None, :, None] * 3 + x[None, None, :]
    is_padding = (z == 0)[:, None, None] | (y == 0)[None, :, None] | (x == 0)[None, None, :]
    region = region.masked_fill(is_padding, 0)
    regions = window_partition(region[None, ..., None], window)[..., 0]
    return regions[:, :, None] == regions[:, None, :]


def _relative_position(window: Size) -> Tensor:
    """Returns the row of the bias table for each pair of tokens of a window, shape (tokens, tokens).

    numpy computes it, because torch on its meta device would load its compiler for it, which takes seconds.
    """
    coordinates = np.indices(window).reshape(3, -1)
    offset = coordinates[:, :, None] - coordinates[:, None, :]
    wz, wy, wx = window
    oz, oy, ox = offset[0] + wz - 1, offset[1] + wy - 1, offset[2] + wx - 1
    return torch.from_numpy((oz * (2 * wy - 1) + oy) * (2 * wx - 1) + ox)


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows of tokens, with a learned relative position bias (Swin, eq. 4).

    The products are written out, because torch's fused attention has no fast gradient of a learned bias on a CPU. With
    windows of 64 tokens the fused attention took 2.5 times as long forward and backward, and 1.2 times forward.

    Args:
        channels: Features of a token.
        heads: Attention heads; they divide the channels.
        window: Tokens of a window (z, y, x).
    """

    relative_position: Tensor

    def __init__(self, channels: int, heads: int, window: Size) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        wz, wy, wx = window
        self.bias = nn.Parameter(torch.zeros((2 * wz - 1) * (2 * wy - 1) * (2 * wx - 1), heads))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.register_buffer("relative_position", _relative_position(window), persistent=False)

    def forward(self, windows: Tensor, mask: Tensor | None = None) -> Tensor:
        """Maps (B * windows, tokens, C) to the same shape; mask as in `attention_mask`."""
        q, k, v = rearrange(self.qkv(windows), "w n (three h d) -> three w h n d", three=3, h=self.heads)
        bias = rearrange(self.bias[self.relative_position], "n m h -> h n m").to(q.dtype)
        scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + bias
        if mask is not None:
            by_sample = rearrange(scores, "(b w) h n m -> b w h n m", w=len(mask))
            scores = by_sample.masked_fill(~mask[:, None], float("-inf")).flatten(0, 1)
        mixed = torch.matmul(scores.softmax(-1), v)
        return self.project(rearrange(mixed, "w h n d -> w n (h d)"))


class SwinBlock(nn.Module):
    """Window attention and a two-layer perceptron, each after a layer norm and around a skip (Swin, eq. 3).

    Any grid size works. The grid is padded to whole windows, and padded tokens are masked.

    Args:
        channels: Features of a token.
        head_channels: Features of a head; divides the channels.
        window: Tokens of a window (z, y, x).
        shifted: Whether the grid is rolled by half a window first.
    """

    def __init__(self, channels: int, head_channels: int, window: Size, shifted: bool) -> None:
        super().__init__()
        self.window = window
        self.shifted = shifted
        self.norm_attention = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels, channels // head_channels, window)
        self.norm_mlp = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, z, y, x) to the same shape."""
        tokens = rearrange(x, "b c z y x -> b z y x c")
        tokens = tokens + self._attend(self.norm_attention(tokens))
        tokens = tokens + self.mlp(self.norm_mlp(tokens))
        return rearrange(tokens, "b z y x c -> b c z y x")

    def _attend(self, tokens: Tensor) -> Tensor:
        z, y, x = tokens.shape[1:4]
        wz, wy, wx = self.window
        padded = (z + -z % wz, y + -y % wy, x + -x % wx)
        if padded != (z, y, x):
            tokens = F.pad(tokens, (0, 0, 0, padded[2] - x, 0, padded[1] - y, 0, padded[0] - z))
        sizes = zip(self.window, padded, strict=True)
        sz, sy, sx = (w // 2 if self.shifted and w < size else 0 for w, size in sizes)
        mask = attention_mask((z, y, x), padded, self.window, (sz, sy, sx), tokens.device)
        if sz or sy or sx:
            tokens = torch.roll(tokens, (-sz, -sy, -sx), (1, 2, 3))
        windows = self.attention(window_partition(tokens, self.window), mask)
        tokens = window_merge(windows, self.window, padded)
        if sz or sy or sx:
            tokens = torch.roll(tokens, (sz, sy, sx), (1, 2, 3))
        return tokens[:, :z, :y, :x]
