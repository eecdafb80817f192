"""Normalization with a scale and shift for each sample, in few passes over channels-last memory."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


class AdaptiveGroupNorm(nn.Module):
    """Group normalization (Wu & He 2018), then a scale and shift for each sample (Dhariwal & Nichol 2021, eq. 8).

    The number of groups is the largest up to eight that divides eight and the channels. On a CPU the affine steps are
    folded into one and the gradient is written out, which takes a third of the time of torch's own steps in bfloat16.
    Other devices use torch's own steps.

    Args:
        channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = math.gcd(8, channels)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """Normalizes (B, C, z, y, x), then computes (1 + scale) * x + shift with scale and shift (B, C), or zero."""
        if x.device.type != "cpu":
            return self.by_torch(x, scale, shift)
        x = x.contiguous(memory_format=torch.channels_last_3d)
        weight, bias = self.weight.expand(len(x), -1), self.bias.expand(len(x), -1)
        if scale is not None and shift is not None:
            weight, bias = weight * (1 + scale.float()), bias * (1 + scale.float()) + shift.float()
        normalized: Tensor = _GroupNorm.apply(x, weight, bias, self.groups)  # type: ignore[no-untyped-call]
        return normalized

    def by_torch(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """Does the same by torch's own operations, on any device."""
        normalized = F.group_norm(x, self.groups, self.weight, self.bias, EPSILON)
        if scale is None or shift is None:
            return normalized
        return torch.addcmul(_volume(shift, normalized), normalized, _volume(1 + scale, normalized))


class AdaptiveChannelNorm(nn.Module):
    """Layer normalization over the channels of each voxel (Ba et al. 2016), then a scale and shift for each sample.

    Unlike group normalization, it looks at no other voxel, so that a result does not depend on the size of a tile.

    Args:
        channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """Normalizes (B, C, z, y, x), then computes (1 + scale) * x + shift with scale and shift (B, C), or zero."""
        tokens = x.permute(0, 2, 3, 4, 1)
        normalized = F.layer_norm(tokens, tokens.shape[-1:], self.weight, self.bias, EPSILON).permute(0, 4, 1, 2, 3)
        if scale is None or shift is None:
            return normalized
        return torch.addcmul(_volume(shift, normalized), normalized, _volume(1 + scale, normalized))


NormKind = Literal["group", "channel"]

NORMS: dict[NormKind, type[AdaptiveGroupNorm] | type[AdaptiveChannelNorm]] = {
    "group": AdaptiveGroupNorm,
    "channel": AdaptiveChannelNorm,
}
"""Normalizations by the names that configurations give."""


class _GroupNorm(torch.autograd.Function):
    """Group normalization with weight and bias of shape (B, C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
        batch, channels, depth, height, width = x.shape
        voxels = depth * height * width
        # A view may leave any stride on a batch of one, which torch's kernel then takes for another layout.
        x = x.as_strided(x.shape, (voxels * channels, 1, height * width * channels, width * channels, channels))
        _, mean, inverse = torch.native_group_norm(x, None, None, batch, channels, voxels, groups, EPSILON)
        mean, inverse = (stat.float().repeat_interleave(channels // groups, 1) for stat in (mean, inverse))
        ctx.save_for_backward(x, weight, mean, inverse)
        ctx.groups = groups
        return torch.addcmul(_volume(bias - mean * inverse * weight, x), x, _volume(inverse * weight, x))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, inverse = ctx.saved_tensors
        gradient = gradients[0]
        of_bias = gradient.sum((2, 3, 4), dtype=torch.float32)
        of_weight = inverse * ((gradient * x).sum((2, 3, 4), dtype=torch.float32) - mean * of_bias)
        # dx = weight / sd * dy - mean(weight / sd * dy) - x_hat * mean(weight / sd * dy * x_hat), means over a group
        slope = -(inverse**2) * _group_mean(weight * of_weight, x, ctx.groups)
        offset = -inverse * _group_mean(weight * of_bias, x, ctx.groups) - mean * slope
        of_x = torch.addcmul(_volume(offset, x), x, _volume(slope, x))
        return of_x.addcmul_(gradient, _volume(inverse * weight, x)), of_weight, of_bias, None


def _group_mean(sums: Tensor, x: Tensor, groups: int) -> Tensor:
    """Returns the mean of each group, repeated for its channels, from sums over the voxels of each channel (B, C)."""
    channels = x.shape[1] // groups
    means = sums.unflatten(1, (groups, channels)).sum(2) / (channels * x[0, 0].numel())
    return means.repeat_interleave(channels, 1)


def _volume(coefficient: Tensor, x: Tensor) -> Tensor:
    return coefficient.to(x.dtype)[:, :, None, None, None]
