"""What the segmenter sees: 3 mm voxels in patient axes, in two windows."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.imaging.grids import canonical, resample, smooth_for, with_spacing
from NephroSynthLib.imaging.window import to_window

SPACING = (3.0, 3.0, 3.0)


def working_image(image: sitk.Image) -> sitk.Image:
    """A CT of any grid on the segmenter's: axes left, posterior, superior, 3 mm voxels, float32 HU."""
    patient = canonical(image)
    return resample(smooth_for(patient, SPACING), with_spacing(patient, SPACING))


def occupancy(mask: sitk.Image) -> sitk.Image:
    """A binary mask of any grid on the segmenter's, as the fraction of each voxel that it fills, in [0, 1]."""
    patient = sitk.Cast(canonical(mask), sitk.sitkFloat32)
    return resample(smooth_for(patient, SPACING), with_spacing(patient, SPACING), outside=0.0)


def condition_channels(hu: np.ndarray) -> np.ndarray:
    """HU (z, y, x) to the network's condition (2, z, y, x): the soft-tissue window and [-1000, 1000] HU, in [-1, 1]."""
    return np.stack([to_window(hu), np.clip(hu / 1000, -1, 1)]).astype(np.float32)
