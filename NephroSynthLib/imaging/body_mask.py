"""The patient in a CT, without the table and the air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_BODY_HU = -250.0


def body_mask(hu: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Finds the body: the largest connected part above -250 HU, with holes filled slice by slice.

    Args:
        hu: CT (z, y, x) with voxels of 2 to 4 mm.

    Returns:
        Mask (z, y, x); everything if no voxel is dense enough.
    """
    solid = ndimage.binary_opening(hu > _BODY_HU, iterations=1)
    parts, count = ndimage.label(solid)
    if count == 0:
        return np.ones(hu.shape, dtype=bool)
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return np.stack([ndimage.binary_fill_holes(part) for part in largest])
