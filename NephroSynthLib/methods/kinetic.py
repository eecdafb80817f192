"""The kinetic baseline: the honest floor that a learned synthesis has to beat."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.imaging.grids import AIR_HU

ENHANCEMENT_RATIO = 1.84
SMOOTHING_MM = 1.0
COLLECTING_SYSTEM_HU = 260.0


def kinetic_baseline(noncontrast: sitk.Image, excretory: sitk.Image) -> sitk.Image:
    """NCP + c (EP - NCP), smoothed: nephrographic enhancement in proportion to the excretory one.

    `c` and the width of the Gaussian are fitted on simulated training exams with the collecting system left out
    (`python -m NephroSynthLib.training.kinetic_fit`). Where the excretory phase is as dense as urine with contrast, the
    enhancement is excretion that the nephrographic phase has not seen yet, and the non-contrast value stays; so it does
    where the excretory phase did not look.

    Args:
        noncontrast: HU.
        excretory: HU, aligned, on the same grid.

    Returns:
        HU, float32, on the same grid.
    """
    before, after = (sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32)) for image in (noncontrast, excretory))
    seen = (after > AIR_HU) & (after < COLLECTING_SYSTEM_HU)
    enhancement = np.where(seen, after - before, 0)
    hu = np.maximum(before + ENHANCEMENT_RATIO * enhancement, AIR_HU)  # moved gas and lung would be below air
    result = sitk.GetImageFromArray(hu.astype(np.float32))
    result.CopyInformation(noncontrast)
    return sitk.SmoothingRecursiveGaussian(result, SMOOTHING_MM)
