"""The outline of a kidney at the resolution of the CT.

The network sees voxels of 3 mm. Interpolation of its probability gives a smooth outline that cuts corners and includes
fat: perirenal fat beside thin poles, and sinus fat, because the smooth outline bridges the hilum. In the CT, most of
the border of a kidney is a border with fat, and a voxel with less than half kidney is darker than the mean of both.
This partial-volume threshold moves the outline where the network is not sure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FAT_HU = -100.0
SURE, POSSIBLE = 0.9, 0.4
_DARKEST_BORDER_HU = -40.0
_ALIKE_HU = 25.0
_NOISE_SIGMA_MM = 0.6
_LEAST_CORE_VOXELS = 50


def refined_outline(
    probability: NDArray[np.floating], hu: NDArray[np.floating], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Returns the kidney in a box around it.

    A voxel with a probability of 0.5 to 0.9 is no kidney if it is darker than the mean of fat and kidney. A voxel with
    a probability of 0.4 to 0.5 is kidney if it is as bright as the kidney.

    Args:
        probability: (z, y, x) in [0, 1], interpolated onto the voxels of the CT.
        hu: The CT in the same box.
        spacing_mm: Voxel size along (z, y, x).
    """
    smooth = ndimage.gaussian_filter(hu.astype(np.float32), [_NOISE_SIGMA_MM / size for size in spacing_mm])
    found = probability > 0.5
    core = smooth[probability > SURE]
    if core.size < _LEAST_CORE_VOXELS:
        return np.asarray(found)
    kidney = float(np.median(core))
    border = max(_DARKEST_BORDER_HU, (FAT_HU + kidney) / 2)
    fat = (smooth < border) & (probability < SURE)
    alike = (probability > POSSIBLE) & (np.abs(smooth - kidney) < _ALIKE_HU)
    return np.asarray((found & ~fat) | alike)
