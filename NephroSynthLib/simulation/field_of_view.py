"""The field of view and the voxels of each phase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.smooth_map import SmoothMap, torch_axes

_SLICES_MM = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 3.75, 4.0, 5.0)


def draw_grid(rng: np.random.Generator, habitus: Habitus, top: float = np.inf) -> tuple[Grid, NDArray[np.float64]]:
    """Draws the reference grid: 0.7 to 1.5 mm in plane, 1 to 5 mm slices, 1.5 to 4 million voxels, both kidneys inside.

    Args:
        rng: Source of randomness.
        habitus: The patient.
        top: Height in the anatomy frame up to which the patient is known; the grid ends there, or above the kidneys.

    Returns:
        The grid, and where the anatomy's origin lies on it in LPS mm.
    """
    corners = [k.centre + s * (np.abs(k.rotation) @ np.asarray(k.half)) for k in habitus.kidneys for s in (-1, 1)]
    low, high = np.min(corners, axis=0) - np.array([14, 14, 14]), np.max(corners, axis=0) + np.array([14, 14, 14])
    outer = np.asarray(
        [habitus.cavity[0] + habitus.wall[1] + habitus.fat[1], habitus.cavity[1] + max(habitus.wall) + max(habitus.fat)]
    )
    full_low = np.array([-outer[0] - 12, -outer[1] - 10, low[2] - rng.uniform(5, 70)])
    full_high = np.array([outer[0] + 12, outer[1] + 25, high[2] + rng.uniform(5, 90)])
    share = 1.0 if rng.random() < 0.4 else float(rng.uniform(0, 1))
    start, stop = low + share * (full_low - low), high + share * (full_high - high)
    stop[2] = max(high[2], min(stop[2], top))
    in_plane, thickness = _draw_spacing(rng, float(np.prod(stop - start)), float(rng.uniform(2.2e6, 4.0e6)))
    shape = np.maximum(np.round((stop - start) / [in_plane, in_plane, thickness]).astype(int), 16)
    origin = np.array([-rng.uniform(120, 220), -rng.uniform(80, 300), -rng.uniform(0, 1400)]).round(1)
    grid = Grid(
        (int(shape[2]), int(shape[1]), int(shape[0])),
        (in_plane, in_plane, thickness),
        (origin[0], origin[1], origin[2]),
    )
    return grid, origin - start


def _draw_spacing(rng: np.random.Generator, volume: float, budget: float) -> tuple[float, float]:
    """Draws voxel size in plane and slice distance (mm) for a volume (mm3) within a budget of voxels."""
    smallest = min(volume / budget, 1.5**2 * _SLICES_MM[-1])
    allowed = [s for s in _SLICES_MM if 1.5**2 * s >= smallest]
    thickness = float(rng.choice(allowed))
    finest = max(0.7, float(np.sqrt(smallest / thickness)))
    return float(rng.uniform(finest, min(1.5, 1.3 * finest))), thickness


def similar_grid(rng: np.random.Generator, reference: Grid, free: bool) -> Grid:
    """Draws the grid of another phase: the same region with its own spacing, slice thickness and centring."""
    scale = float(np.exp(rng.normal(0, 0.1)))
    in_plane = float(np.clip(reference.spacing[0] * scale, 0.7, 1.5)) if free else reference.spacing[0] * scale
    slice_mm = reference.spacing[2] * float(np.exp(rng.normal(0, 0.3)))
    if free:
        finest = reference.spacing[2] * reference.spacing[0] ** 2 / in_plane**2 * 0.75
        choices = [s for s in _SLICES_MM if s >= finest] or [_SLICES_MM[-1]]
        slice_mm = min(choices, key=lambda s: abs(s - slice_mm))
    else:
        slice_mm = max(slice_mm, 0.75 * reference.spacing[2])
    extent = np.asarray(reference.extent) + np.append(np.full(2, rng.uniform(-4, 14)), rng.uniform(-2, 18))
    shape = np.maximum(np.ceil(extent / [in_plane, in_plane, slice_mm]).astype(int) + 1, 8)
    covered = (shape - 1) * np.array([in_plane, in_plane, slice_mm])
    origin = np.asarray(reference.centre) + rng.normal(0, 1, 3) * [2.0, 2.0, 2.5] - covered / 2
    return Grid(
        (int(shape[2]), int(shape[1]), int(shape[0])),
        (in_plane, in_plane, slice_mm),
        (float(origin[0]), float(origin[1]), float(origin[2])),
    )


def canvas_grid(grids: list[Grid], maps: list[SmoothMap]) -> Grid:
    """Returns a canvas that covers all phases and is as fine as the finest, within 6 million voxels."""
    lows, highs = [], []
    for grid, offset in zip(grids, maps, strict=True):
        z, y, x = (axis[:: max(1, len(axis) // 24)] if len(axis) > 24 else axis for axis in torch_axes(grid))
        moved = offset.on((z, y, x))
        points = [moved[0] + x[None, None, :], moved[1] + y[None, :, None], moved[2] + z[:, None, None]]
        lows.append([float(p.min()) - 8 for p in points])
        highs.append([float(p.max()) + 8 for p in points])
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    spacing = np.array(
        [max(0.8, min(g.spacing[0] for g in grids))] * 2 + [float(np.clip(min(g.spacing[2] for g in grids), 1.0, 2.0))]
    )
    limit = max(6e6, 1.2 * max(float(np.prod(g.shape)) for g in grids))
    count = float(np.prod((high - low) / spacing))
    spacing *= max(1.0, (count / limit) ** (1 / 3))
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    return Grid(
        (int(shape[2]), int(shape[1]), int(shape[0])),
        (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        (float(low[0]), float(low[1]), float(low[2])),
    )
