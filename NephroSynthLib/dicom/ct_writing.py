"""A volume of Hounsfield units as the files of a CT series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from NephroSynthLib.errors import Action, GeometryError, ImageContentError

WINDOW_CENTER, WINDOW_WIDTH = 50, 400
_ORTHONORMAL_TOLERANCE = 1e-4
_PIXEL_RANGE = np.iinfo(np.int16)


def write_ct_series(
    image: sitk.Image,
    folder: Path,
    header: Dataset,
    instance_uids: Sequence[str],
    *,
    descending: bool = False,
    describe_slice: Callable[[int, Dataset], None] = lambda index, instance: None,
) -> list[Path]:
    """Writes one file for each slice; whole Hounsfield units are stored as they are (slope 1, intercept 0).

    Args:
        image: 3D image, HU; rounded to whole HU, as scanners store them. Slices lie along its third axis.
        folder: The folder of the files; it is made if it does not exist.
        header: Attributes that all instances share: patient, study, series, frame of reference, equipment, type.
        instance_uids: SOP instance UIDs, one a slice, in the order of the slices.
        descending: Number the instances from the last slice to the first.
        describe_slice: Adds the attributes of one slice to its instance; it gets the index and the instance.

    Returns:
        The files, in the order of the slices.

    Raises:
        GeometryError: If rows and columns are not at right angles.
        ImageContentError: If the image is not a 3D scalar image of finite values that fit in 16 bits.
    """
    count = image.GetDepth() if image.GetDimension() == 3 else 0
    plane = image_plane(image)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for index in range(count):
        instance = Dataset()
        instance.update(header)
        instance.update(plane)
        instance.SOPClassUID = CTImageStorage
        instance.SOPInstanceUID = instance_uids[index]
        instance.InstanceNumber = count - index if descending else index + 1
        _place_slice(instance, image, index)
        _store_pixels(instance, hounsfield_pixels(image, index))
        describe_slice(index, instance)
        files.append(folder / f"{instance.InstanceNumber:05d}.dcm")
        save_instance(instance, files[-1])
    return files


def image_plane(image: sitk.Image) -> Dataset:
    """Returns pixel spacing, orientation and slice thickness of a volume's slices (PS3.3 C.7.6.2).

    Raises:
        GeometryError: If rows and columns are not at right angles.
        ImageContentError: If the image is not a 3D scalar image.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise ImageContentError("Only a three-dimensional scalar volume can be written as a CT series.")
    axes = np.reshape(image.GetDirection(), (3, 3)).T
    if not np.allclose(axes[:2] @ axes[:2].T, np.eye(2), atol=_ORTHONORMAL_TOLERANCE):
        raise GeometryError("The rows and columns of the volume are not at right angles.", Action.RESAMPLE)
    width, height, thickness = image.GetSpacing()
    plane = Dataset()
    plane.ImageOrientationPatient = decimals(*axes[0], *axes[1])
    plane.PixelSpacing = decimals(height, width)
    plane.SliceThickness = format_number_as_ds(float(thickness))
    return plane


def hounsfield_pixels(image: sitk.Image, index: int) -> NDArray[np.int16]:
    """Returns one slice as int16 (rows, columns), HU rounded to whole numbers.

    Raises:
        ImageContentError: If a value is not finite or does not fit in 16 bits.
    """
    values = np.rint(sitk.GetArrayViewFromImage(image)[index])
    if not np.isfinite(values).all():
        raise ImageContentError("The volume has voxels that are not finite.")
    if values.min() < _PIXEL_RANGE.min or values.max() > _PIXEL_RANGE.max:
        raise ImageContentError("The volume has values that no CT stores (beyond 16 bits).", Action.GIVE_CT)
    return values.astype(np.int16)


def save_instance(instance: Dataset, path: Path) -> None:
    """Writes one instance in explicit little endian, with its file meta information."""
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.save_as(path, enforce_file_format=True)


def decimals(*values: float) -> list[str]:
    """Returns numbers as decimal strings with all the digits that 16 characters hold."""
    return [format_number_as_ds(float(value)) for value in values]


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Returns an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _place_slice(instance: Dataset, image: sitk.Image, index: int) -> None:
    position = np.array(image.TransformIndexToPhysicalPoint((0, 0, index)))
    axes = np.reshape(image.GetDirection(), (3, 3)).T
    instance.ImagePositionPatient = decimals(*position)
    instance.SliceLocation = format_number_as_ds(float(np.cross(axes[0], axes[1]) @ position))


def _store_pixels(instance: Dataset, pixels: NDArray[np.int16]) -> None:
    instance.Rows, instance.Columns = pixels.shape
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.BitsAllocated = instance.BitsStored = 16
    instance.HighBit = 15
    instance.PixelRepresentation = 1
    instance.RescaleIntercept, instance.RescaleSlope, instance.RescaleType = 0, 1, "HU"
    instance.WindowCenter, instance.WindowWidth = WINDOW_CENTER, WINDOW_WIDTH
    instance.PixelData = pixels.astype("<i2").tobytes()
