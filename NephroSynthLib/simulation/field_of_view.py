"""The field of view and the voxels of each phase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.habitus import Habitus, KidneyPlan
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.smooth_map import SmoothMap, torch_axes

_SLICES_MM = (0.6, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 3.75, 4.0, 5.0)
_IN_PLANE_MM = (0.6, 1.6)
_MARGIN_MM = 14.0
# Smallest voxels of the canvas in plane and along z.
_FINEST_MM = (0.65, 0.8)
# Voxels of a usual exam, and of one whose voxels are too small for both kidneys to fit into those.
_USUAL_VOXELS, _MOST_VOXELS = (2.2e6, 4.0e6), 5.5e6


def draw_grid(rng: np.random.Generator, habitus: Habitus, top: float = np.inf) -> tuple[Grid, NDArray[np.float64]]:
    """Draws the reference grid: 0.6 to 1.6 mm in plane, 0.6 to 5 mm slices, at most 5.5 million voxels.

    The spacing does not depend on the field of view. Where the voxels of a field of view are too many, the grid is a
    crop of it that still shows both kidneys; where these are too many, it shows one kidney, with the smallest voxels a
    part of it.

    Args:
        rng: Source of randomness.
        habitus: The patient.
        top: Height in the anatomy frame up to which the patient is known; the grid ends there, or above the kidneys.

    Returns:
        The grid, and where the anatomy's origin lies on it in LPS mm.
    """
    corners = [_corners(kidney) for kidney in habitus.kidneys]
    low, high = np.min([c[0] for c in corners], axis=0), np.max([c[1] for c in corners], axis=0)
    outer = np.asarray(
        [habitus.cavity[0] + habitus.wall[1] + habitus.fat[1], habitus.cavity[1] + max(habitus.wall) + max(habitus.fat)]
    )
    full_low = np.array([-outer[0] - 12, -outer[1] - 10, low[2] - rng.uniform(5, 70)])
    full_high = np.array([outer[0] + 12, outer[1] + 25, high[2] + rng.uniform(5, 90)])
    full_high[2] = max(high[2], min(full_high[2], top))
    share = 1.0 if rng.random() < 0.4 else float(rng.uniform(0, 1))
    in_plane, thickness = _draw_spacing(rng)
    step = np.array([in_plane, in_plane, thickness])
    usual = float(rng.uniform(*_USUAL_VOXELS))
    one = corners[int(rng.integers(len(corners)))]
    start, stop = low + share * (full_low - low), high + share * (full_high - high)
    while share > 0 and np.prod((stop - start) / step) > usual:
        share = max(0.0, share - 0.05)
        start, stop = low + share * (full_low - low), high + share * (full_high - high)
    if np.prod((stop - start) / step) > _MOST_VOXELS:
        start, stop = one
    excess = np.prod((stop - start) / step) / _MOST_VOXELS
    if excess > 1:
        middle, half = (start + stop) / 2, (stop - start) / 2
        start, stop = middle - half * [1, 1, 1 / excess], middle + half * [1, 1, 1 / excess]
    shape = np.maximum(np.round((stop - start) / step).astype(int), 16)
    origin = np.array([-rng.uniform(120, 220), -rng.uniform(80, 300), -rng.uniform(0, 1400)]).round(1)
    grid = Grid(
        (int(shape[2]), int(shape[1]), int(shape[0])),
        (in_plane, in_plane, thickness),
        (origin[0], origin[1], origin[2]),
    )
    return grid, origin - start


def _corners(kidney: KidneyPlan) -> NDArray[np.float64]:
    """Returns the lowest and the highest corner (2, 3) of the box around a kidney with a margin."""
    reach = np.abs(kidney.rotation) @ np.asarray(kidney.half) + _MARGIN_MM
    return np.stack([kidney.centre - reach, kidney.centre + reach])


def _draw_spacing(rng: np.random.Generator) -> tuple[float, float]:
    """Draws voxel size in plane and slice distance in mm; one exam in seven has slices of at most 1 mm."""
    in_plane = float(np.exp(rng.uniform(*np.log(_IN_PLANE_MM))))
    thin = [mm for mm in _SLICES_MM if mm <= 1.0]
    thick = [mm for mm in _SLICES_MM if mm > 1.0]
    return in_plane, float(rng.choice(thin if rng.random() < 0.15 else thick))


def similar_grid(rng: np.random.Generator, reference: Grid, free: bool) -> Grid:
    """Draws the grid of another phase: the same region with its own spacing, slice thickness and centring."""
    scale = float(np.exp(rng.normal(0, 0.1)))
    in_plane = float(np.clip(reference.spacing[0] * scale, *_IN_PLANE_MM)) if free else reference.spacing[0] * scale
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
        [max(_FINEST_MM[0], min(g.spacing[0] for g in grids))] * 2
        + [float(np.clip(min(g.spacing[2] for g in grids), _FINEST_MM[1], 2.0))]
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
