from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from NephroSynthLib.dicom.file_header import DERIVED, Header, flattened_groups, read_header
from NephroSynthLib.dicom.input_files import Skipped

Edit = Callable[[Dataset], None]


@pytest.fixture(scope="module")
def file(
    phantom: Callable[..., sitk.Image],
    write_series: Callable[..., list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    image = phantom(size=(16, 12, 2), spacing=(2.0, 3.0, 6.0))
    return write_series(image, tmp_path_factory.mktemp("series"), SpecificCharacterSet="ISO_IR 100")[0]


@pytest.fixture
def edited(file: Path, tmp_path: Path) -> Callable[[Edit], Path]:
    """Writes the file with changed attributes."""

    def write(edit: Edit) -> Path:
        instance = pydicom.dcmread(file)
        edit(instance)
        instance.save_as(tmp_path / "edited.dcm")
        return tmp_path / "edited.dcm"

    return write


def header_of(path: Path) -> Header:
    header = read_header(path)
    assert isinstance(header, Header)
    return header


def test_a_slice_says_where_it_lies_and_keeps_no_name(file: Path) -> None:
    header = header_of(file)
    [piece] = header.slices
    instance = pydicom.dcmread(file)
    assert (piece.uid, piece.number, piece.frame) == (instance.SOPInstanceUID, instance.InstanceNumber, None)
    assert piece.plane.size == (16, 12)
    assert piece.plane.spacing == (2.0, 3.0)
    np.testing.assert_allclose(piece.plane.position, np.array(instance.ImagePositionPatient, float))
    assert header.set_aside is None
    assert "Doe" not in repr(header.identity)
    assert "PixelData" not in header.dataset


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Modality": "MR"}, "MR, not CT"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"RescaleSlope": None}, "without the rescale of its values to HU"),
        ({"NumberOfFrames": 3}, "several frames without positions"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "with an impossible position, orientation"),
        ({"PixelSpacing": [0.5, 1e9]}, "with an impossible position, orientation"),
        ({"PixelSpacing": None}, "without position, orientation"),
    ],
)
def test_an_image_that_is_no_slice_in_hu_has_none_and_says_why(
    edited: Callable[[Edit], Path], attributes: dict[str, object], reason: str
) -> None:
    header = header_of(edited(lambda instance: [setattr(instance, *one) for one in attributes.items()] and None))
    assert header.slices == ()
    assert header.set_aside is not None
    assert header.set_aside.startswith(reason)


@pytest.mark.parametrize("types", [["DERIVED", "SECONDARY", "MPR"], ["ORIGINAL", "PRIMARY", "AXIAL", "MAT_REMOVED"]])
def test_a_derived_image_keeps_its_slices(edited: Callable[[Edit], Path], types: list[str]) -> None:
    header = header_of(edited(lambda instance: setattr(instance, "ImageType", types)))
    assert header.set_aside in DERIVED
    assert len(header.slices) == 1


def test_what_is_no_image_is_skipped_with_the_reason(tmp_path: Path, file: Path) -> None:
    for content, reason in (
        (b"", "empty"),
        (b"MZ" * 200, "not DICOM"),
        (b"PK\x03\x04" + b"\0" * 200, "a zip inside; give it on its own"),
        (b"\0" * 128 + b"DICM", "damaged, or not a DICOM object"),
        (file.read_bytes()[:400], "damaged"),
    ):
        path = tmp_path / "file"
        path.write_bytes(content)
        skipped = read_header(path)
        assert isinstance(skipped, Skipped)
        assert skipped.reason.startswith(reason)


def test_a_frame_has_its_own_attributes_before_the_shared_ones(edited: Callable[[Edit], Path]) -> None:
    def macro(keyword: str, **attributes: object) -> Dataset:
        item, group = Dataset(), Dataset()
        for one in attributes.items():
            setattr(item, *one)
        setattr(group, keyword, Sequence([item]))
        return group

    shared = macro("PixelMeasuresSequence", PixelSpacing=[3, 2], SliceThickness=6)
    shared.PlaneOrientationSequence = macro(
        "PlaneOrientationSequence", ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    ).PlaneOrientationSequence
    shared.PixelValueTransformationSequence = macro(
        "PixelValueTransformationSequence", RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"
    ).PixelValueTransformationSequence
    frames = [macro("PlanePositionSequence", ImagePositionPatient=[0, 0, 6 * k]) for k in range(3)]
    frames[2].PixelMeasuresSequence = macro("PixelMeasuresSequence", PixelSpacing=[5, 4]).PixelMeasuresSequence

    def enhance(instance: Dataset) -> None:
        instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
        instance.NumberOfFrames = 3
        instance.SharedFunctionalGroupsSequence = Sequence([shared])
        instance.PerFrameFunctionalGroupsSequence = Sequence(frames)

    header = header_of(edited(enhance))
    assert [piece.frame for piece in header.slices] == [0, 1, 2]
    assert [piece.plane.position[2] for piece in header.slices] == [0, 6, 12]
    assert [piece.plane.spacing for piece in header.slices] == [(2, 3), (2, 3), (4, 5)]
    assert flattened_groups(header.dataset, 2).SliceThickness == 6
