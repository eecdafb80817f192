"""Sampling of the painted canvas on a phase's grid through a smooth map of motion and warp, and the slice profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.splines import Axes, cubic_weights, tensor_product

_LATTICE_MM = 8.0
_SLAB = 24


@dataclass(frozen=True)
class SmoothMap:
    """A vector field (3, z, y, x) known on a lattice, interpolated by cubic B-splines."""

    lattice: Grid
    coefficients: Tensor

    def on(self, axes: Axes) -> Tensor:
        """Returns (3, z, y, x) values at the coordinates `axes` (z, y, x) in mm, all inside the lattice."""
        weights = []
        for axis, origin, size, count in zip(
            axes, self.lattice.origin[::-1], self.lattice.spacing[::-1], self.lattice.shape, strict=False
        ):
            weights.append(cubic_weights((axis.double() - origin) / size, count).float())
        return tensor_product(self.coefficients, weights)


def tabulate(function: Callable[[Tensor, Tensor, Tensor], Tensor], grid: Grid) -> SmoothMap:
    """Tabulates a smooth vector function of (x, y, z) on a lattice of 8 mm that covers a grid with room at its ends."""
    margin = 3 * _LATTICE_MM
    counts = [int(np.ceil((e + 2 * margin) / _LATTICE_MM)) + 1 for e in grid.extent]
    origin = tuple(float(o - margin) for o in grid.origin)
    lattice = Grid((counts[2], counts[1], counts[0]), (_LATTICE_MM,) * 3, (origin[0], origin[1], origin[2]))
    z, y, x = (torch.from_numpy(axis.astype(np.float32)) for axis in lattice.axes())
    values = function(x[None, None, :], y[None, :, None], z[:, None, None])
    filtered = np.stack([ndimage.spline_filter(component.numpy(), order=3, output=np.float32) for component in values])
    return SmoothMap(lattice, torch.from_numpy(filtered))


def torch_axes(grid: Grid) -> Axes:
    """Returns the coordinates of a grid along z, y and x as float32 tensors."""
    z, y, x = (torch.from_numpy(axis.astype(np.float32)) for axis in grid.axes())
    return z, y, x


def slabs(grid: Grid) -> Iterator[slice]:
    """Yields ranges of slices that cover the grid, small enough to need little memory."""
    for start in range(0, grid.shape[0], _SLAB):
        yield slice(start, min(start + _SLAB, grid.shape[0]))


def pull(volumes: list[tuple[Tensor, str]], canvas: Grid, grid: Grid, offset: SmoothMap) -> list[Tensor]:
    """Samples volumes of the canvas on a grid.

    Args:
        volumes: Pairs of a (channels, z, y, x) tensor on the canvas and 'bilinear' or 'nearest'.
        canvas: The canvas' grid in the anatomy frame.
        grid: Where to sample.
        offset: Canvas point minus grid point, mm.

    Returns:
        A (channels, z, y, x) tensor on `grid` for each volume, of the volume's dtype.
    """
    z, y, x = torch_axes(grid)
    results = [torch.empty((v.shape[0], *grid.shape), dtype=v.dtype) for v, _ in volumes]
    sources = [v[None].float() for v, _ in volumes]
    for part in slabs(grid):
        moved = offset.on((z[part], y, x))
        moved[0] += x[None, None, :]
        moved[1] += y[None, :, None]
        moved[2] += z[part][:, None, None]
        for k in range(3):
            moved[k].sub_(canvas.origin[k]).mul_(2.0 / canvas.extent[k]).sub_(1.0)
        where = moved.permute(1, 2, 3, 0)[None]
        for source, (_, mode), result in zip(sources, volumes, results, strict=True):
            result[:, part] = F.grid_sample(source, where, mode=mode, padding_mode="border", align_corners=True)[0]
    return results


def slice_profile(volume: Tensor, spacing_z: float, thickness: float) -> Tensor:
    """Averages (channels, z, y, x) over a slice thickness along z (rectangular profile), ends replicated."""
    half = thickness / spacing_z / 2.0
    reach = int(np.floor(half + 0.5))
    if reach < 1:
        return volume
    overlap = np.clip(half + 0.5 - np.abs(np.arange(-reach, reach + 1)), 0.0, 1.0)
    weights: NDArray[np.float64] = overlap / overlap.sum()
    padded = torch.cat([volume[:, :1]] * reach + [volume] + [volume[:, -1:]] * reach, dim=1)
    count = volume.shape[1]
    result = torch.zeros_like(volume)
    for k, weight in enumerate(weights):
        result.add_(padded[:, k : k + count], alpha=float(weight))
    return result
