"""HU outside the window: bone, stones, metal, dense oral contrast and gas come from the phase that saw them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU

BLEND_HU = 40.0


def restore_outside_window(synthetic: np.ndarray, noncontrast: np.ndarray) -> np.ndarray:
    """Blends a synthetic phase into the non-contrast phase where the latter nears the window's limits or leaves them.

    What the non-contrast phase shows above or below the window, no contrast made, and it is the same minutes later.
    The weight follows the non-contrast phase smoothed over a voxel, so that noise alone does not switch it; what is far
    too bright for noise counts as it is.

    Args:
        synthetic: HU within the window (z, y, x).
        noncontrast: HU on the same grid.

    Returns:
        HU, float32, over the full range.
    """
    smooth = ndimage.gaussian_filter(noncontrast, 0.7)
    above = (smooth - (UPPER_HU - BLEND_HU)) / BLEND_HU
    above = np.maximum(above, (noncontrast - UPPER_HU) / BLEND_HU - 2)  # a stone of few voxels; no noise is as bright
    below = ((LOWER_HU + BLEND_HU) - smooth) / BLEND_HU
    weight = np.clip(np.maximum(above, below), 0, 1)
    return (synthetic + weight * (noncontrast - synthetic)).astype(np.float32)
