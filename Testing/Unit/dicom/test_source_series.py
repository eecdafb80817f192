from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from NephroSynthLib.dicom.source_series import (
    check_within,
    frames_at,
    free_series_number,
    now_at,
    read_source,
    study_header,
)
from NephroSynthLib.errors import GeometryError, IdentityError, UnreadableInputError

HospitalSeries = Callable[..., list[Path]]
Rename = Callable[..., None]


def shifted(image: sitk.Image, millimetres: tuple[float, float, float]) -> sitk.Image:
    moved = sitk.Image(image)
    moved.SetOrigin([origin + step for origin, step in zip(image.GetOrigin(), millimetres, strict=True)])
    return moved


def test_the_slices_lie_where_the_volume_lies(volume: sitk.Image, hospital_series: HospitalSeries) -> None:
    source = read_source(hospital_series(volume))
    width, height, depth = volume.GetSize()
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    for frame, index in zip(source.frames, range(depth), strict=True):
        expected = [volume.TransformIndexToPhysicalPoint((*corner, index)) for corner in corners]
        np.testing.assert_allclose(frame.corners, expected, atol=1e-3)
        assert frames_at(source, volume, index) == [frame]
    handedness = np.linalg.det(np.reshape(volume.GetDirection(), (3, 3)))
    assert source.descending == (handedness > 0)  # the files are numbered from the last slice to the first
    check_within(source, volume)


def test_a_volume_elsewhere_is_refused(axial: sitk.Image, hospital_series: HospitalSeries) -> None:
    source = read_source(hospital_series(axial))
    check_within(source, shifted(axial, (4.9, 0, 0)))
    for shift in ((6.0, 0.0, 0.0), (0.0, -20.0, 0.0), (0.0, 0.0, 8.0)):
        with pytest.raises(GeometryError, match="mm beyond the source series"):
            check_within(source, shifted(axial, shift))


def test_thick_slices_of_a_volume_take_each_source_slice_within_them(
    axial: sitk.Image, hospital_series: HospitalSeries
) -> None:
    source = read_source(hospital_series(axial))
    thick = sitk.BinShrink(axial, (1, 1, 3))
    assert frames_at(source, thick, 0) == list(source.frames[:3])
    assert frames_at(source, thick, 1) == list(source.frames[3:6])
    thin = sitk.Expand(axial, (1, 1, 4))
    assert frames_at(source, thin, 5) == [source.frames[1]]


@pytest.mark.parametrize("keyword", ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
def test_files_of_several_series_are_refused(
    axial: sitk.Image, hospital_series: HospitalSeries, rename: Rename, keyword: str
) -> None:
    files = hospital_series(axial)
    rename(files[:1], **{keyword: "1.2.9"})
    with pytest.raises(IdentityError, match=keyword):
        read_source(files)


def test_what_cannot_be_referred_to_is_refused(
    axial: sitk.Image, hospital_series: HospitalSeries, rename: Rename, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableInputError, match="no files"):
        read_source([])
    (tmp_path / "text").write_text("no DICOM")
    with pytest.raises(UnreadableInputError, match="cannot be read as DICOM"):
        read_source([tmp_path / "text"])
    files = hospital_series(axial)
    rename(files, FrameOfReferenceUID="")
    with pytest.raises(GeometryError, match="no frame of reference"):
        read_source(files)
    rename(files, FrameOfReferenceUID="1.2", PixelSpacing=None)
    with pytest.raises(GeometryError, match="no position, orientation or pixel spacing"):
        read_source(files)
    rename(files, StudyInstanceUID=None)
    with pytest.raises(UnreadableInputError, match="lacks the UIDs"):
        read_source(files)


def test_the_study_header_has_patient_and_study_and_no_series_dose_or_private_attribute(
    axial: sitk.Image, hospital_series: HospitalSeries
) -> None:
    header = study_header(read_source(hospital_series(axial)))
    source = pydicom.dcmread(hospital_series(axial, "again")[0])
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "AccessionNumber"):
        assert header[keyword].value == source[keyword].value
    for keyword in ("SeriesInstanceUID", "KVP", "CTDIvol", "Manufacturer", "AcquisitionDate", "PixelData"):
        assert keyword not in header
    assert not any(element.tag.is_private for element in header)


def test_a_study_header_has_its_mandatory_attributes_even_if_empty(
    axial: sitk.Image, hospital_series: HospitalSeries, rename: Rename
) -> None:
    files = hospital_series(axial)
    rename(files, AccessionNumber=None, PatientBirthDate=None)
    header = study_header(read_source(files))
    assert not header.AccessionNumber
    assert not header.PatientBirthDate


def test_an_age_that_is_not_well_formed_is_left_out(axial: sitk.Image, hospital_series: HospitalSeries) -> None:
    assert study_header(read_source(hospital_series(axial))).PatientAge == "081Y"
    with pytest.warns(UserWarning, match="AS"):
        files = hospital_series(axial, "odd", PatientAge="old")
    assert "PatientAge" not in study_header(read_source(files))


@given(st.sets(st.integers(8990, 9050)))
def test_a_free_series_number_is_the_first_from_9001_that_is_not_taken(taken: set[int]) -> None:
    number = free_series_number(taken)
    assert number not in taken
    assert set(range(9001, number)) <= taken


@pytest.mark.parametrize("offset", ["+0530", "-0800", "+0000"])
def test_the_time_is_that_of_the_source_s_clock(offset: str) -> None:
    header = Dataset()
    header.TimezoneOffsetFromUTC = offset
    now = now_at(header)
    assert now.strftime("%z") == offset
    assert abs(now - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    header.TimezoneOffsetFromUTC = "nowhere"
    assert now_at(header).tzinfo is None
