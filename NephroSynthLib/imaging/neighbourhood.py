"""Small building blocks of image morphology: which values lie in a range, and which voxels lie within a distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def between(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.bool_]:
    """Returns where values lie strictly between two limits."""
    return np.asarray((values > low) & (values < high))


def ball(radius_mm: float, spacing_mm: float) -> NDArray[np.bool_]:
    """Returns the voxels within a radius of a centre, (z, y, x), on a grid with one spacing along all axes."""
    reach = int(radius_mm / spacing_mm)
    offsets = np.mgrid[(slice(-reach, reach + 1),) * 3] * spacing_mm
    return np.asarray((offsets**2).sum(axis=0) <= radius_mm**2)
