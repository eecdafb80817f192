"""Smooth fields: tensor-product cubic B-splines over a regular lattice of coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

Axes = tuple[Tensor, Tensor, Tensor]

# Standard deviation of a cubic B-spline with white unit coefficients, averaged over a cell, along one axis:
# the integral of the squared kernel is 151/315 (de Boor, A Practical Guide to Splines, 1978).
_UNIT_STD = float(np.sqrt(151.0 / 315.0))


def cubic_weights(positions: Tensor, count: int) -> Tensor:
    """Returns the weights (n, count) of coefficients at integer knots 0..count-1, for positions (n,) in knot units."""
    distance = (positions[:, None] - torch.arange(count, dtype=positions.dtype)[None, :]).abs()
    near = 2.0 / 3.0 - distance**2 + 0.5 * distance**3
    far = (2.0 - distance).clamp(min=0.0) ** 3 / 6.0
    return torch.where(distance < 1.0, near, far)


def linear_weights(positions: Tensor, count: int) -> Tensor:
    """Returns the weights (n, count) of linear interpolation between knots 0..count-1, constant beyond the ends."""
    clamped = positions.clamp(0.0, count - 1.0)
    distance = (clamped[:, None] - torch.arange(count, dtype=positions.dtype)[None, :]).abs()
    return (1.0 - distance).clamp(min=0.0)


def tensor_product(coefficients: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Contracts coefficients (..., kz, ky, kx) with weights (nz, kz), (ny, ky), (nx, kx) to (..., nz, ny, nx)."""
    wz, wy, wx = weights
    rows = wy @ (coefficients @ wx.T)
    leading = rows.shape[:-3]
    flat = rows.reshape(*leading, rows.shape[-3], -1)
    return (wz @ flat).reshape(*leading, wz.shape[0], wy.shape[0], wx.shape[0])


def smooth_noise(rng: np.random.Generator, axes: Axes, cell: float | Sequence[float]) -> Tensor:
    """Draws a smooth random field of zero mean and unit standard deviation.

    Args:
        rng: Source of the coefficients.
        axes: Coordinates along z, y and x in mm, each (n,), increasing.
        cell: Knot distance in mm, one for all axes or one each for (z, y, x); features are about two cells wide.

    Returns:
        Float32 tensor (z, y, x).
    """
    cells = (cell, cell, cell) if isinstance(cell, (int, float)) else tuple(cell)
    weights = []
    for axis, size in zip(axes, cells, strict=True):
        positions = (axis.double() - float(axis[0])) / size + 1.0
        weights.append(cubic_weights(positions, int(np.floor(float(positions[-1]))) + 3).float())
    shape = [w.shape[1] for w in weights]
    coefficients = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) / _UNIT_STD**3
    return tensor_product(coefficients, weights)
