"""The kidneys of a DICOM segmentation, told by the names and codes of its segments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import highdicom as hd
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from NephroSynthLib.errors import Action, NoKidneyError, UnreadableInputError
from NephroSynthLib.imaging.kidney_names import kidney_side

_CODES = ("SegmentedPropertyTypeCodeSequence", "AnatomicRegionSequence")
_MODIFIERS = ("SegmentedPropertyTypeModifierCodeSequence", "AnatomicRegionModifierSequence")


def read_kidney_segments(path: Path) -> sitk.Image:
    """Reads the kidneys of a DICOM segmentation as labels: 1 right, 2 left, 3 a kidney without a side.

    Args:
        path: The file.

    Returns:
        uint8 labels on the grid of the segmentation, in LPS mm.

    Raises:
        UnreadableInputError: The file is damaged or no DICOM segmentation of parallel slices.
        NoKidneyError: No segment is a kidney.

    Example:
        >>> read_kidney_segments(Path("segmentation.dcm")).GetPixelIDTypeAsString()  # doctest: +SKIP
        '8-bit unsigned integer'
    """
    try:
        segmentation = hd.seg.segread(path)
        named = {int(item.SegmentNumber): _side(item) for item in segmentation.SegmentSequence}
        sides = {number: side for number, side in named.items() if side is not None}
        if not sides:
            raise NoKidneyError("No segment of the DICOM segmentation is a kidney.", Action.GIVE_KIDNEYS)
        volume = segmentation.get_volume(segment_numbers=list(sides))
    except (InvalidDicomError, ValueError, RuntimeError, AttributeError, KeyError, OSError) as error:
        raise UnreadableInputError(
            "The kidney label map cannot be read: it is no DICOM segmentation of parallel slices, or damaged.",
            Action.GIVE_KIDNEYS,
        ) from error
    labels = np.zeros(volume.array.shape[:3], np.uint8)
    for channel, side in enumerate(sides.values()):
        labels[volume.array[..., channel] > 0] = side
    return _placed(labels, volume)


def _side(segment: Dataset) -> int | None:
    return kidney_side(str(segment.get("SegmentLabel", "")), " ".join(_meanings(segment)))


def _meanings(segment: Dataset) -> Iterator[str]:
    """Yields the meanings of the codes of a segment and of their modifiers."""
    for keyword in _CODES:
        for item in segment.get(keyword) or []:
            yield str(item.get("CodeMeaning", ""))
            yield from (
                str(modifier.get("CodeMeaning", "")) for name in _MODIFIERS for modifier in item.get(name) or []
            )


def _placed(labels: NDArray[np.uint8], volume: hd.Volume) -> sitk.Image:
    """Returns labels (z, y, x) as an image that lies where the volume lies."""
    steps = volume.affine[:3, 2::-1]
    spacing = np.linalg.norm(steps, axis=0)
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    return image
