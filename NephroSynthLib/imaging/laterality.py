"""The left-right middle of a patient, and kidneys that reach over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BODY_HU, BONE_HU = -300.0, 180.0
SPINE_ML = 20.0
HORSESHOE_REACH_MM = 35.0
HORSESHOE_WIDTH_MM = 130.0


def midline(hu: NDArray[np.floating], lateral: NDArray[np.floating], voxel_mm3: float) -> float:
    """Where the patient's left-right middle lies.

    The spine tells it even in a field of view that shows one flank only: half of all bone lies on either side. Where
    there is hardly any bone, half of the body does.

    Args:
        hu: CT (z, y, x).
        lateral: how far to the patient's left each voxel lies, mm; of the CT's shape, or to be broadcast to it.
        voxel_mm3: volume of a voxel.

    Returns:
        A value of `lateral`.
    """
    places = np.broadcast_to(lateral, hu.shape)
    inside = hu > BONE_HU
    if np.count_nonzero(inside) * voxel_mm3 < SPINE_ML * 1000:
        inside = hu > BODY_HU
    return float(np.median(places[inside] if inside.any() else places))


def is_horseshoe(lateral: NDArray[np.floating], middle: float) -> bool:
    """Whether a connected kidney, given by where its voxels lie (mm), reaches far over the midline on both sides."""
    right, left = float(lateral.min()), float(lateral.max())
    return min(middle - right, left - middle) >= HORSESHOE_REACH_MM and left - right >= HORSESHOE_WIDTH_MM
