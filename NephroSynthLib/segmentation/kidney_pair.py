"""The choice of the right and the left kidney among the connected pieces of a kidney probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.sides import BONE_HU, LEFT, RIGHT, is_horseshoe, midline

SMALLEST_ML = 10.0
LEAST_LATERAL_MM = 20.0
URINE_REACH_MM = 15.0


def split_sides(probability: NDArray[np.floating], hu: NDArray[np.floating], spacing_mm: float) -> NDArray[np.uint8]:
    """Finds the right and the left kidney in a probability map.

    The largest connected piece on each side of the body's midline is the kidney of that side. A piece that reaches far
    over the midline on both sides is a horseshoe kidney and is cut at the midline. Not kidneys are pieces under 10 ml,
    pieces that lie mostly outside the body, and pieces whose centre lies within 20 mm of the midline, where the bladder
    and the bowel in front of the spine are.

    Args:
        probability: (z, y, x) in [0, 1]; axes superior, posterior, left.
        hu: The CT on the same grid.
        spacing_mm: Isotropic voxel size.

    Returns:
        Labels (z, y, x): 0, 1 right, 2 left.
    """
    found = probability > 0.5
    near = ndimage.binary_dilation(found, iterations=max(1, round(URINE_REACH_MM / spacing_mm)))
    lateral = np.arange(found.shape[2]) * spacing_mm
    without_dense_urine = np.where(near, np.minimum(hu, BONE_HU), hu)
    middle = midline(without_dense_urine, lateral, spacing_mm**3)
    body = body_mask(hu)
    pieces, count = ndimage.label(found, structure=np.ones((3, 3, 3)))
    sides = np.zeros(pieces.shape, np.uint8)
    best = {RIGHT: 0, LEFT: 0}
    smallest = SMALLEST_ML * 1000 / spacing_mm**3
    for piece in range(1, count + 1):
        voxels = pieces == piece
        if voxels.sum() < smallest or body[voxels].mean() < 0.5:
            continue
        for part in _cut_horseshoe(voxels, lateral, middle):
            size = int(part.sum())
            centre = (part.sum(axis=(0, 1)) * lateral).sum() / size
            if abs(centre - middle) < LEAST_LATERAL_MM:
                continue
            side = RIGHT if centre < middle else LEFT
            if size > max(best[side], smallest):
                best[side] = size
                sides[sides == side] = 0
                sides[part] = side
    return sides


def _cut_horseshoe(voxels: NDArray[np.bool_], lateral: NDArray[np.floating], middle: float) -> list[NDArray[np.bool_]]:
    """Cuts a horseshoe kidney at the midline; returns any other piece whole."""
    if not is_horseshoe(lateral[voxels.any(axis=(0, 1))], middle):
        return [voxels]
    right = voxels & (lateral < middle)
    return [right, voxels & ~right]
