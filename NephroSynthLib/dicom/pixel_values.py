"""The pixels of a DICOM image: decoding of the stored values and their rescale to HU."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, RLELossless, generate_uid

from NephroSynthLib.dicom.file_header import CT_IMAGE
from NephroSynthLib.dicom.file_parsing import integer_of

OUTSIDE_HU = -1024.0
_LARGEST_RESCALE = 1e6
_IMAGE_PIXEL = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    "PixelRepresentation",
)


def stored_frames(dataset: Dataset) -> NDArray[Any]:
    """Returns the stored values of all frames of an image, (frames, rows, columns).

    pydicom decodes native and RLE pixels; GDCM, in SimpleITK, decodes JPEG, JPEG-LS and JPEG 2000.

    Raises:
        Exception: Whatever the decoders raise on damaged data.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    frames = integer_of(dataset, "NumberOfFrames") or 1
    if "NumberOfFrames" in dataset:
        dataset.NumberOfFrames = frames  # some files have free text there
    if not syntax.is_encapsulated or syntax == RLELossless:
        values = dataset.pixel_array
    else:
        encoded = generate_frames(dataset.PixelData, number_of_frames=frames)
        values = np.stack([_decode_with_gdcm(dataset, frame) for frame in encoded])
    return np.asarray(values).reshape(frames, int(dataset.Rows), int(dataset.Columns))


def to_hounsfield(stored: NDArray[Any], dataset: Dataset, attributes: Dataset) -> NDArray[np.float32]:
    """Applies the rescale (PS3.3 C.11.1) to the stored values of a frame; padding (C.7.5.1.1.2) becomes -1024 HU.

    Args:
        stored: (rows, columns).
        dataset: The image, for its pixel padding.
        attributes: Those with the rescale: of the image, or the flattened functional groups of the frame.

    Raises:
        AttributeError: If there is no rescale.
        TypeError: If it is empty.
        ValueError: If it is zero, not finite or absurdly large.
    """
    slope, intercept = float(attributes.RescaleSlope), float(attributes.RescaleIntercept)
    if slope == 0 or not all(abs(number) < _LARGEST_RESCALE for number in (slope, intercept)):
        raise ValueError("impossible rescale")
    values = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    first, last = _pixel_value(dataset, "PixelPaddingValue"), _pixel_value(dataset, "PixelPaddingRangeLimit")
    if first is not None:
        limits = sorted((first, first if last is None else last))
        values[(stored >= limits[0]) & (stored <= limits[1])] = OUTSIDE_HU
    return np.asarray(values, dtype=np.float32)


def _pixel_value(dataset: Dataset, keyword: str) -> int | None:
    """Returns a pixel value of the header with the signedness of the pixels, which files often get wrong."""
    value = dataset.get(keyword)
    if isinstance(value, bytes):
        value = int.from_bytes(value[:2], "little" if dataset.original_encoding[1] else "big")
    if not isinstance(value, int):  # missing, empty, or several values
        return None
    bits = value & 0xFFFF
    return bits - 0x10000 if int(dataset.get("PixelRepresentation") or 0) and bits & 0x8000 else bits


def _decode_with_gdcm(dataset: Dataset, encoded: bytes) -> NDArray[Any]:
    """Decodes one compressed frame, alone in a file without any patient data, since GDCM reads only files."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = UID(CT_IMAGE)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
    image.Modality = "CT"
    for keyword in _IMAGE_PIXEL:
        if keyword in dataset:
            image.add(dataset[keyword])
    image.PixelData = encapsulate([encoded])
    with tempfile.TemporaryDirectory(prefix="nephrosynth-") as folder:
        path = Path(folder) / "frame.dcm"
        image.save_as(path, enforce_file_format=True)
        return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))[0])
