"""Padding of a CT that is not air: 0 HU of a body mask or a resampler, or a negative value that wrapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import AIR_HU

_DENSEST_AIR_HU = -900.0
_LEAST_FACE_SHARE = 0.05
_LEAST_SHARE = 0.01
_LEAST_DARKER_SHARE = 2e-3
_DARKER_HU = 30.0


def padding_as_air(image: sitk.Image) -> tuple[sitk.Image, float | None]:
    """Replaces padding at the border of a CT that is not as dark as air by -1024 HU.

    Padding is one constant value that reaches the border and fills at least 1 % of the volume, because no tissue is
    constant. The lowest value of the volume does not count. It is the background of an image of another kind, and of a
    CT that a window has cut off; `check_hounsfield` refuses those.

    Args:
        image: float32 HU.

    Returns:
        The image, with air in place of the padding, and the value of the padding; the same image and None if there is
        no such padding.
    """
    values = sitk.GetArrayViewFromImage(image)
    value = _constant_on_the_border(values)
    if value is None:
        return image, None
    padding = values == value
    if not _reaches(padding, _LEAST_SHARE) or not _reaches(values < value - _DARKER_HU, _LEAST_DARKER_SHARE):
        return image, None
    padding = _connected_to_border(padding)
    if not _reaches(padding, _LEAST_SHARE):
        return image, None
    result = sitk.GetImageFromArray(np.where(padding, np.float32(AIR_HU), values))
    result.CopyInformation(image)
    return result, value


def _constant_on_the_border(values: NDArray[np.float32]) -> float | None:
    """Returns the most frequent value on the faces of the volume that is not air; None if it fills less than 5 %."""
    faces = _faces(values)
    found, counts = np.unique(faces[faces > _DENSEST_AIR_HU], return_counts=True)
    if not counts.size or counts.max() < _LEAST_FACE_SHARE * faces.size:
        return None
    return float(found[np.argmax(counts)])


def _faces(values: NDArray[Any]) -> NDArray[Any]:
    """Returns the values on the six faces of a volume as one row."""
    return np.concatenate([np.take(values, end, axis).ravel() for axis in range(3) for end in (0, -1)])


def _reaches(mask: NDArray[np.bool_], share: float) -> bool:
    return bool(np.count_nonzero(mask) >= share * mask.size)


def _connected_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, _ = ndimage.label(mask)
    reached = np.zeros(int(parts.max()) + 1, dtype=bool)
    reached[_faces(parts)] = True
    reached[0] = False
    return reached[parts]
