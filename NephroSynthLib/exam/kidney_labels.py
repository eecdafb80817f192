"""Conversion of a kidney label map that the user gives: to 1 right and 2 left, on the grid of its CT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.dicom.input_files import is_dicom
from NephroSynthLib.errors import Action, GeometryError, ImageContentError, NoKidneyError, UsageError
from NephroSynthLib.exam.kits_layout import is_kits_label_map, with_masses
from NephroSynthLib.imaging.grids import on_grid, resample
from NephroSynthLib.imaging.image_files import is_image_file, read_image_file
from NephroSynthLib.imaging.kidney_names import kidney_side
from NephroSynthLib.imaging.sides import EITHER, LEFT, RIGHT, is_horseshoe, lateral_positions, midline

_ROLE = "kidney label map"
_KIDNEY_HU = (-60.0, 500.0)
_SEVERAL = (0.15, 0.85)
_STRAY_ML = 1.0

Labels = NDArray[np.uint8]


def read_kidneys(path: Path, reference: sitk.Image) -> tuple[sitk.Image, list[str]]:
    """Reads kidneys in the forms in which tools write them, and converts them.

    - A label map as NIfTI, NRRD (Slicer's .seg.nrrd too) or MetaImage.
    - The label map of a KiTS case in its folder: kidney, tumour and cyst together are the kidneys.
    - A DICOM segmentation, or a folder with one, whose kidneys are told by name and code.
    - A folder of masks, one file a structure, such as TotalSegmentator's with `kidney_right.nii.gz` and
      `kidney_left.nii.gz`; the file names tell the kidneys.

    Args:
        path: The file or the folder.
        reference: The CT (HU) that it was made on.

    Returns:
        See `as_kidneys`.

    Raises:
        UnreadableInputError: If the file cannot be read.
        ImageContentError, NoKidneyError, GeometryError: See `as_kidneys`.
        UsageError: If it is a DICOM segmentation, and highdicom is not installed.
    """
    dicom = _dicom_files(path)
    if len(dicom) == 1:
        return _of_sides(_read_segments(dicom[0]), reference, [])
    if path.is_dir():
        return _of_sides(_read_masks(path), reference, [])
    given = read_image_file(path, _ROLE, layers=True)
    return as_kidneys(with_masses(given) if is_kits_label_map(path) else given, reference)


def _read_segments(path: Path) -> sitk.Image:
    try:
        from NephroSynthLib.dicom.segmentation_reading import read_kidney_segments
    except ModuleNotFoundError as error:
        raise UsageError(
            "highdicom, which reads DICOM segmentations, is not installed.", Action.INSTALL_DICOM
        ) from error
    return read_kidney_segments(path)


def _dicom_files(path: Path) -> list[Path]:
    """Returns the DICOM files that a path is or, as a folder, holds."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.is_file() and not is_image_file(file) and is_dicom(file)]


def _read_masks(folder: Path) -> sitk.Image:
    """Reads the masks of a folder whose names mean a kidney, as labels: 1 right, 2 left, 3 a kidney without a side.

    Raises:
        NoKidneyError: No name does.
    """
    named = {path: kidney_side(path.name.split(".")[0]) for path in sorted(folder.iterdir()) if is_image_file(path)}
    masks = [(read_image_file(path, f"mask '{path.name}'") > 0, side) for path, side in named.items() if side]
    if not masks:
        raise NoKidneyError(f"No file of the folder is named as a {_ROLE}.", Action.GIVE_KIDNEYS)
    first, _ = masks[0]
    labels = np.zeros(first.GetSize()[::-1], np.uint8)
    for mask, side in masks:
        labels[sitk.GetArrayViewFromImage(on_grid(mask, first, label=True)) > 0] = side
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(first)
    return image


def as_kidneys(given: sitk.Image, reference: sitk.Image) -> tuple[sitk.Image, list[str]]:
    """Converts a label map to 1 right and 2 left.

    The segments of a Slicer segmentation are told apart by name and terminology, other labels by value and position.
    Connected pieces under 1 ml, which a brush may leave, are dropped.

    Args:
        given: Labels on any grid, in layers where segments overlap, with the metadata of its file.
        reference: The CT (HU) that it was made on, onto whose grid it is brought.

    Returns:
        uint8 labels on the grid of `reference` (0, 1 right, 2 left), and warnings that state each assumption.

    Raises:
        ImageContentError: If it is not a label map, or its kidneys cannot be told from other labels.
        NoKidneyError: If no kidney is in it.
        GeometryError: If it does not lie on the kidneys of the patient.
    """
    sides, warnings = _by_segment_name(given) or _by_value(given, _midline(reference))
    named = sitk.GetImageFromArray(sides)
    named.SetOrigin(given.GetOrigin())
    named.SetSpacing(given.GetSpacing())
    named.SetDirection(given.GetDirection())
    return _of_sides(named, reference, warnings)


def _of_sides(given: sitk.Image, reference: sitk.Image, warnings: list[str]) -> tuple[sitk.Image, list[str]]:
    """Converts kidneys of known or unknown side (1 right, 2 left, 3 either) as `as_kidneys` does."""
    if not sitk.GetArrayViewFromImage(given).any():
        raise NoKidneyError(f"No kidney is in the {_ROLE}.", Action.GIVE_KIDNEYS)
    labels = _on_reference(given, reference)
    if _drop_strays(labels, float(np.prod(reference.GetSpacing())) / 1000):
        warnings = [*warnings, f"Pieces under {_STRAY_ML:.0f} ml of the kidney label map were left out."]
    if not labels.any():
        raise NoKidneyError(f"Nothing in the {_ROLE} is as large as a kidney.", Action.GIVE_KIDNEYS)
    if (labels == EITHER).any():
        split_by_position(labels, reference)
        warnings = [*warnings, "Right and left were told apart by position: the kidney label map does not name them."]
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(reference)
    return result, warnings


def _by_segment_name(given: sitk.Image) -> tuple[Labels, list[str]] | None:
    """Tells the kidneys of a Slicer segmentation by name and terminology; returns None if it has no segments."""
    if not given.HasMetaDataKey("Segment0_LabelValue"):
        return None
    values = _label_array(given)
    sides = np.zeros(values.shape[:3], np.uint8)
    index = 0
    while given.HasMetaDataKey(f"Segment{index}_LabelValue"):
        key, index = f"Segment{index}_", index + 1
        side = kidney_side(_metadata(given, key + "Name"), _metadata(given, key + "Tags"))
        if side is None:
            continue
        layer = values[..., int(_metadata(given, key + "Layer") or 0)]
        sides[layer == int(_metadata(given, key + "LabelValue"))] = side
    return sides, []


def _by_value(given: sitk.Image, middle: float) -> tuple[Labels, list[str]]:
    """Tells the kidneys of a label map without names by value and position."""
    values = _label_array(given)[..., 0]
    present = [int(value) for value in np.unique(values) if value]
    sides = np.zeros(values.shape, np.uint8)
    lateral = lateral_positions(given)

    def right_share(value: int) -> float:
        return float((np.broadcast_to(lateral, values.shape)[values == value] < middle).mean())

    def assign(right: int, left: int) -> Labels:
        sides[values == right], sides[values == left] = RIGHT, LEFT
        return sides

    few, most = _SEVERAL
    if present == [1, 2] and right_share(1) > most and right_share(2) < few:
        return assign(1, 2), []
    if present == [1, 2] and right_share(1) < few and right_share(2) > most:
        return assign(2, 1), ["Labels 1 and 2 of the kidney label map lie on the wrong sides and were exchanged."]
    if {2, 3} <= set(present) and right_share(2) > 0.5 > right_share(3):
        return assign(2, 3), ["Labels 2 and 3 were taken as right and left kidney, as TotalSegmentator numbers them."]
    if (present == [1] and right_share(1) > most) or (present == [2] and right_share(2) < few):
        return assign(1, 2), []
    if len(present) <= 1 or present in ([1, 2], [1, 2, 3]):
        sides[values > 0] = EITHER
        return sides, []
    raise ImageContentError(
        f"Which of the {len(present)} labels of the {_ROLE} are kidneys is unclear.", Action.GIVE_KIDNEYS
    )


def _on_reference(given: sitk.Image, reference: sitk.Image) -> Labels:
    """Brings the sides onto the grid of the reference, and checks that they lie on tissue that can be kidney."""
    labels = np.asarray(sitk.GetArrayFromImage(resample(given, reference, label=True)))
    volume = np.count_nonzero(labels) * np.prod(reference.GetSpacing())
    given_volume = np.count_nonzero(sitk.GetArrayViewFromImage(given)) * np.prod(given.GetSpacing())
    inside = sitk.GetArrayViewFromImage(reference)[labels > 0]
    on_tissue = inside.size > 0 and np.mean((inside > _KIDNEY_HU[0]) & (inside < _KIDNEY_HU[1])) > 0.5
    if volume < 0.5 * given_volume or not on_tissue:
        raise GeometryError(
            f"The {_ROLE} does not lie on the kidneys of the CT that it is given with.",
            Action.GIVE_MATCHING_KIDNEYS,
        )
    return labels


def _drop_strays(labels: Labels, voxel_ml: float) -> bool:
    """Removes small connected pieces from a label map, in place; tells whether there were any."""
    pieces, _ = ndimage.label(labels > 0, structure=np.ones((3, 3, 3)))
    small = np.bincount(pieces.ravel()) * voxel_ml < _STRAY_ML
    small[0] = False
    stray = small[pieces]
    labels[stray] = 0
    return bool(stray.any())


def split_by_position(labels: Labels, reference: sitk.Image) -> None:
    """Gives each connected piece of a kidney without a side the side that it lies on; cuts a horseshoe kidney.

    Args:
        labels: (z, y, x) on the grid of `reference`; EITHER is changed in place to RIGHT or LEFT.
        reference: HU, from which the midline is taken.
    """
    lateral, middle = lateral_positions(reference), _midline(reference)
    pieces, count = ndimage.label(labels == EITHER, structure=np.ones((3, 3, 3)))
    for piece, box in enumerate(ndimage.find_objects(pieces, count), start=1):
        inside = pieces[box] == piece
        places = np.broadcast_to(lateral, labels.shape)[box][inside]
        on_right = places < middle
        if not is_horseshoe(places, middle):
            on_right = np.full_like(on_right, on_right.mean() >= 0.5)
        labels[box][inside] = np.where(on_right, RIGHT, LEFT)


def _label_array(given: sitk.Image) -> NDArray[Any]:
    """Returns the labels as (z, y, x, layers).

    Raises:
        ImageContentError: If the voxels are not labels.
    """
    values = sitk.GetArrayViewFromImage(given)
    finite = np.isfinite(values).all()
    if not finite or values.min() < 0 or values.max() > 65535 or (values != np.floor(values)).any():
        raise ImageContentError(
            f"The {_ROLE} is not a label map: its values are not whole numbers from 0.", Action.GIVE_KIDNEYS
        )
    values = values.astype(np.uint16)
    return values if values.ndim == 4 else values[..., np.newaxis]


def _midline(reference: sitk.Image) -> float:
    return midline(
        sitk.GetArrayViewFromImage(reference), lateral_positions(reference), float(np.prod(reference.GetSpacing()))
    )


def _metadata(image: sitk.Image, key: str) -> str:
    return str(image.GetMetaData(key)) if image.HasMetaDataKey(key) else ""
