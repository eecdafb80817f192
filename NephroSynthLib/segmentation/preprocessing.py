"""Input of the segmenter: 3 mm voxels along the axes of the patient, in two windows."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.imaging.grids import canonical, resample, smooth_for, with_spacing
from NephroSynthLib.imaging.window import to_window

SPACING = (3.0, 3.0, 3.0)


def working_image(image: sitk.Image) -> sitk.Image:
    """Resamples a CT (HU) onto the grid of the segmenter: axes left, posterior, superior, 3 mm voxels, float32."""
    patient = canonical(image)
    return resample(smooth_for(patient, SPACING), with_spacing(patient, SPACING))


def occupancy(mask: sitk.Image) -> sitk.Image:
    """Resamples a binary mask onto the grid of the segmenter, as the filled fraction of each voxel, about [0, 1]."""
    patient = sitk.Cast(canonical(mask), sitk.sitkFloat32)
    return resample(smooth_for(patient, SPACING), with_spacing(patient, SPACING), outside=0.0)


def condition_channels(hu: NDArray[np.floating]) -> NDArray[np.float32]:
    """Converts HU (z, y, x) to the condition of the network (2, z, y, x).

    The channels are the soft-tissue window 400/50 and the range of [-1000, 1000] HU, each in [-1, 1].
    """
    return np.stack([to_window(hu), np.clip(hu / 1000, -1, 1)]).astype(np.float32)
