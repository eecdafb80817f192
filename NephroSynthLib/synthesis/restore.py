"""Restoring HU outside of the window that a model works in: bone, stones, metal, dense oral contrast and gas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

BLEND_HU = 40.0


def restore_outside_window(
    synthetic: NDArray[np.float32], noncontrast: NDArray[np.float32], window_hu: tuple[float, float]
) -> NDArray[np.float32]:
    """Returns a synthetic phase blended into the non-contrast phase near and beyond the limits of the window.

    Values outside the window come from the non-contrast phase, because contrast did not cause them. The weight follows
    the non-contrast phase smoothed over a voxel, so that noise alone does not switch it. A value too bright for noise
    counts without smoothing.

    Args:
        synthetic: HU within the window, (z, y, x).
        noncontrast: HU on the same grid.
        window_hu: Lower and upper limit of the window.

    Returns:
        HU, float32, over the full range.
    """
    lower, upper = window_hu
    smooth = ndimage.gaussian_filter(noncontrast, 0.7)
    above = (smooth - (upper - BLEND_HU)) / BLEND_HU
    above = np.maximum(above, (noncontrast - upper) / BLEND_HU - 2)  # a stone of few voxels is brighter than any noise
    below = ((lower + BLEND_HU) - smooth) / BLEND_HU
    weight = np.clip(np.maximum(above, below), 0, 1)
    return (synthetic + weight * (noncontrast - synthetic)).astype(np.float32)
