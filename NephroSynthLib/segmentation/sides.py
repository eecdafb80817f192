"""From a kidney probability to a right and a left kidney."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

RIGHT, LEFT = 1, 2
SMALLEST_ML = 10.0
HORSESHOE_REACH_MM = 30.0
BODY_HU = -300.0


def midline(hu: np.ndarray) -> float:
    """The column (x index) of the body's left-right middle in a CT (z, y, x) in patient axes."""
    columns = (hu > BODY_HU).sum(axis=(0, 1), dtype=np.float64)
    if not columns.any():
        return (hu.shape[2] - 1) / 2
    return float((columns * np.arange(len(columns))).sum() / columns.sum())


def split_sides(probability: np.ndarray, hu: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Finds the right and the left kidney in a probability map.

    The largest connected piece on each side of the body's midline is that side's kidney. A piece that reaches far over
    the midline on both sides is a horseshoe kidney and is cut there. Pieces under 10 ml are no kidneys.

    Args:
        probability: (z, y, x) in [0, 1]; axes superior, posterior, left.
        hu: the CT on the same grid.
        spacing_mm: isotropic voxel size.

    Returns:
        Labels (z, y, x), uint8: 0, 1 right, 2 left.
    """
    middle = midline(hu)
    pieces, count = ndimage.label(probability > 0.5, structure=np.ones((3, 3, 3)))
    sides = np.zeros(pieces.shape, np.uint8)
    best = {RIGHT: 0, LEFT: 0}
    smallest = SMALLEST_ML * 1000 / spacing_mm**3
    columns = np.arange(pieces.shape[2])
    for piece in range(1, count + 1):
        voxels = pieces == piece
        if voxels.sum() < smallest:
            continue
        for part in _cut_horseshoe(voxels, middle, HORSESHOE_REACH_MM / spacing_mm):
            size = int(part.sum())
            centre = (part.sum(axis=(0, 1)) * columns).sum() / size
            side = RIGHT if centre < middle else LEFT
            if size > max(best[side], smallest):
                best[side] = size
                sides[sides == side] = 0
                sides[part] = side
    return sides


def _cut_horseshoe(voxels: np.ndarray, middle: float, reach: float) -> list[np.ndarray]:
    inside = np.flatnonzero(voxels.any(axis=(0, 1)))
    if inside[0] > middle - reach or inside[-1] < middle + reach:
        return [voxels]
    right = voxels & (np.arange(voxels.shape[2]) < middle)
    return [right, voxels & ~right]
