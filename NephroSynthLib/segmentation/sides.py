"""From a kidney probability to a right and a left kidney."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

RIGHT, LEFT = 1, 2
SMALLEST_ML = 10.0
LEAST_LATERAL_MM = 20.0
HORSESHOE_REACH_MM = 35.0
HORSESHOE_WIDTH_MM = 130.0
BODY_HU, BONE_HU = -300.0, 180.0
SPINE_ML = 20.0
URINE_REACH_MM = 15.0


def midline(hu: np.ndarray, spacing_mm: float) -> float:
    """The column (x index) of the patient's left-right middle in a CT (z, y, x) in patient axes.

    The spine tells it even in a field of view that shows one flank only: half of all bone lies on either side. Where
    there is hardly any bone, half of the body does.
    """
    columns = (hu > BONE_HU).sum(axis=(0, 1))
    if columns.sum() * spacing_mm**3 < SPINE_ML * 1000:
        columns = (hu > BODY_HU).sum(axis=(0, 1))
    if not columns.any():
        return (hu.shape[2] - 1) / 2
    return float(np.searchsorted(np.cumsum(columns), columns.sum() / 2))


def split_sides(probability: np.ndarray, hu: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Finds the right and the left kidney in a probability map.

    The largest connected piece on each side of the body's midline is that side's kidney. A piece that reaches far over
    the midline on both sides is a horseshoe kidney and is cut there. No kidney are pieces under 10 ml, and others whose
    middle lies within 20 mm of the midline, where the bladder and the bowel in front of the spine are.

    Args:
        probability: (z, y, x) in [0, 1]; axes superior, posterior, left.
        hu: the CT on the same grid.
        spacing_mm: isotropic voxel size.

    Returns:
        Labels (z, y, x), uint8: 0, 1 right, 2 left.
    """
    found = probability > 0.5
    near = ndimage.binary_dilation(found, iterations=max(1, round(URINE_REACH_MM / spacing_mm)))
    middle = midline(np.where(near, np.minimum(hu, BONE_HU), hu), spacing_mm)  # dense urine is no bone
    pieces, count = ndimage.label(found, structure=np.ones((3, 3, 3)))
    sides = np.zeros(pieces.shape, np.uint8)
    best = {RIGHT: 0, LEFT: 0}
    smallest = SMALLEST_ML * 1000 / spacing_mm**3
    columns = np.arange(pieces.shape[2])
    for piece in range(1, count + 1):
        voxels = pieces == piece
        if voxels.sum() < smallest:
            continue
        for part in _cut_horseshoe(voxels, middle, spacing_mm):
            size = int(part.sum())
            centre = (part.sum(axis=(0, 1)) * columns).sum() / size
            if abs(centre - middle) * spacing_mm < LEAST_LATERAL_MM:
                continue
            side = RIGHT if centre < middle else LEFT
            if size > max(best[side], smallest):
                best[side] = size
                sides[sides == side] = 0
                sides[part] = side
    return sides


def _cut_horseshoe(voxels: np.ndarray, middle: float, spacing_mm: float) -> list[np.ndarray]:
    inside = np.flatnonzero(voxels.any(axis=(0, 1)))
    reach = min(middle - inside[0], inside[-1] - middle) * spacing_mm
    width = (inside[-1] - inside[0] + 1) * spacing_mm
    if reach < HORSESHOE_REACH_MM or width < HORSESHOE_WIDTH_MM:
        return [voxels]
    right = voxels & (np.arange(voxels.shape[2]) < middle)
    return [right, voxels & ~right]
