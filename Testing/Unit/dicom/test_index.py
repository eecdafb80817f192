from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedSRStorage,
    HTJ2KLossless,
    SecondaryCaptureImageStorage,
    SpatialRegistrationStorage,
    XRayRadiationDoseSRStorage,
    generate_uid,
)

from NephroSynthLib.dicom.index import DicomIndex, index_dicom
from NephroSynthLib.errors import Cancelled
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.progress import Progress, ProgressEvent

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def image(phantom: Phantom) -> sitk.Image:
    return phantom(size=(24, 20, 18), spacing=(15.0, 15.0, 6.0))


def reasons(index: DicomIndex) -> list[str | None]:
    return [series.why_not_volume for series in index.series]


def heights(index: DicomIndex, number: int = 0) -> list[float]:
    return [piece.plane.position[2] for piece in index.series[number].slices]


def test_slices_are_sorted_by_position_whatever_their_names_and_numbers(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    def shuffle(index: int, instance: Dataset) -> None:
        instance.InstanceNumber = (index * 7) % 18

    write_series(image, tmp_path, edit=shuffle)
    index = index_dicom(tmp_path)
    assert reasons(index) == [None]
    assert heights(index) == sorted(heights(index))
    assert index.volumes == index.series
    assert [piece.source for piece in index.series[0].slices] == list(index.series[0].files)


def test_studies_and_series_in_one_nested_heap_are_told_apart(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    for study in ("1.1", "1.2"):
        for number in (3, 1):
            write_series(image, tmp_path / study / "x" / str(number), StudyInstanceUID=study, SeriesNumber=number)
    (tmp_path / "1.1" / "viewer.exe").write_bytes(b"MZ" + b"\0" * 500)
    (tmp_path / "autorun.inf").touch()
    index = index_dicom(tmp_path)
    assert [(series.study_uid, series.number) for series in index.volumes] == [
        ("1.1", 1),
        ("1.1", 3),
        ("1.2", 1),
        ("1.2", 3),
    ]
    assert {(skipped.path.name, skipped.reason) for skipped in index.skipped} == {
        ("viewer.exe", "not DICOM"),
        ("autorun.inf", "empty"),
    }


def test_a_zip_gives_what_its_folder_gives(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path / "study" / "a")
    write_series(image, tmp_path / "study" / "b", SeriesNumber=3)
    packed = Path(shutil.make_archive(str(tmp_path / "study"), "zip", tmp_path / "study"))
    folder, archive = index_dicom(tmp_path / "study"), index_dicom(packed)
    assert [(series.title, series.stack) for series in archive.series] == [
        (series.title, series.stack) for series in folder.series
    ]


def test_a_header_keeps_what_phases_are_told_by(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path, ContrastBolusAgent="Iohexol", AcquisitionTime="101500", ProtocolName="Uro")
    (series,) = index_dicom(tmp_path).series
    assert series.header.ContrastBolusAgent == "Iohexol"
    assert series.header.AcquisitionTime == "101500"
    assert "PixelData" not in series.header
    assert "Doe" not in repr(series)


SET_ASIDE = {
    "MR, not CT": {"Modality": "MR"},
    "localizer": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    "reformat, made from another series": {"ImageType": ["DERIVED", "SECONDARY", "MPR"]},
    "secondary capture (a picture, e.g. a dose report or a rendering)": {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "Modality": "OT",
    },
    "radiation dose report": {"SOPClassUID": XRayRadiationDoseSRStorage, "Modality": "SR"},
    "SR, not CT": {"SOPClassUID": EnhancedSRStorage, "Modality": "SR"},
    "REG, not CT": {"SOPClassUID": SpatialRegistrationStorage, "Modality": "REG"},
    "a colour picture": {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
    "values in MGML, not in HU": {"RescaleType": "MGML"},
    "without the rescale of its values to HU": {"RescaleIntercept": None},
    "computed from several energies": {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "MAT_REMOVED"]},
    "without position, orientation, pixel spacing or size": {"PixelSpacing": None},
    "with an impossible position, orientation, pixel spacing or size": {"PixelSpacing": [0, 0]},
}


@pytest.mark.parametrize("reason", SET_ASIDE)
def test_what_is_no_ct_volume_is_set_aside_with_the_reason(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries, reason: str
) -> None:
    def spoil(index: int, instance: Dataset) -> None:
        for keyword, value in SET_ASIDE[reason].items():
            setattr(instance, keyword, value)

    write_series(image, tmp_path / "good", SeriesNumber=1)
    write_series(image, tmp_path / "other", SeriesNumber=2, edit=spoil)
    index = index_dicom(tmp_path)
    assert reasons(index) == [None, reason]
    assert len(index.volumes) == 1


@pytest.mark.parametrize(
    ("image_type", "reason"),
    [
        (["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MIP"], "reformat, made from another series"),
        (["DERIVED", "SECONDARY", "AXIAL", "CT_SOM7 MINIP"], "reformat, made from another series"),
        (["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MPR"], None),
        (["DERIVED", "SECONDARY", "AXIAL", "SIMULATED"], None),
        (["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 DUAL", "VMI"], None),
        (["DERIVED", "SECONDARY", "AXIAL", "VNC"], "computed from several energies"),
        (["DERIVED", "SECONDARY", "AXIAL", "CT_SOM7 MIP", "DE_IODINE"], "computed from several energies"),
        (["ORIGINAL", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"], "computed from several energies"),
    ],
)
def test_image_types_tell_what_was_not_acquired(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries, image_type: list[str], reason: str | None
) -> None:
    write_series(image, tmp_path, ImageType=image_type)
    assert reasons(index_dicom(tmp_path)) == [reason]


def test_a_virtual_series_is_known_by_its_description_and_can_still_be_read_alone(
    phantom: Phantom, tmp_path: Path, write_series: WriteSeries
) -> None:
    write_series(phantom(), tmp_path, SeriesDescription="Abdomen VNC 3.0")
    (series,) = index_dicom(tmp_path).series
    assert series.why_not_volume == "computed from several energies"
    assert series.is_derived_volume
    assert "computed from several energies" in read_volume(tmp_path, "non-contrast phase").warnings[0]


def test_a_coronal_series_is_a_reformat(phantom: Phantom, tmp_path: Path, write_series: WriteSeries) -> None:
    coronal = sitk.PermuteAxes(phantom(size=(24, 20, 18)), (0, 2, 1))
    write_series(coronal, tmp_path)
    (series,) = index_dicom(tmp_path).series
    assert series.why_not_volume == "reformat, made from another series"
    assert series.is_derived_volume


def test_an_unknown_compression_is_set_aside(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    for path in write_series(image, tmp_path):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", f"{HTJ2KLossless}".encode()[:20]))
    (reason,) = set(reasons(index_dicom(tmp_path)))
    assert reason is not None


class TestSplitting:
    def test_a_localizer_within_the_series(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def first_is_localizer(index: int, instance: Dataset) -> None:
            if index == 0:
                instance.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

        write_series(image, tmp_path, edit=first_is_localizer)
        assert sorted(reasons(index_dicom(tmp_path)), key=str) == [None, "localizer"]

    def test_another_orientation_within_the_series(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        uid = generate_uid()
        write_series(image, tmp_path / "a", SeriesInstanceUID=uid)
        write_series(sitk.PermuteAxes(image, (0, 2, 1)), tmp_path / "b", SeriesInstanceUID=uid)
        index = index_dicom(tmp_path)
        assert sorted((series.part, series.why_not_volume is None) for series in index.series) == [
            (1, True),
            (2, False),
        ]

    @pytest.mark.parametrize(
        "trait", ["AcquisitionNumber", "AcquisitionTime", "ConvolutionKernel", "TemporalPositionIndex", None]
    )
    def test_two_acquisitions_of_the_same_slices(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries, trait: str | None
    ) -> None:
        uid = generate_uid()
        values = {"AcquisitionTime": ("101000", "102000"), "ConvolutionKernel": ("B30", "B60")}.get(trait or "", (1, 2))
        for number, value in enumerate(values):

            def number_on(index: int, instance: Dataset, number: int = number) -> None:
                instance.InstanceNumber = 1 + index + 18 * number

            attributes = {trait: value} if trait else {}
            write_series(image, tmp_path / str(number), SeriesInstanceUID=uid, edit=number_on, **attributes)
        index = index_dicom(tmp_path)
        assert [(series.part, len(series.slices)) for series in index.volumes] == [(1, 18), (2, 18)]
        for series in index.volumes:
            assert len({piece.source.parent for piece in series.slices}) == 1
        assert index.volumes[0].identity.series != index.volumes[1].identity.series

    def test_bolus_tracking_beside_the_volume(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        def stand_still(index: int, instance: Dataset) -> None:
            instance.ImagePositionPatient = [*instance.ImagePositionPatient[:2], 0]

        uid = generate_uid()
        write_series(image, tmp_path / "a", SeriesInstanceUID=uid, AcquisitionNumber=1, edit=stand_still)
        write_series(image, tmp_path / "b", SeriesInstanceUID=uid, AcquisitionNumber=2)
        (volume,) = index_dicom(tmp_path).volumes
        assert {piece.source.parent.name for piece in volume.slices} == {"b"}

    def test_a_scan_in_steps_stays_whole(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def step(index: int, instance: Dataset) -> None:
            instance.AcquisitionNumber = index // 4
            instance.AcquisitionTime = f"1010{index:02d}"

        write_series(image, tmp_path, edit=step)
        (volume,) = index_dicom(tmp_path).volumes
        assert volume.part == 0
        assert len(volume.slices) == 18

    def test_a_missing_slice_of_a_scan_in_steps_is_told(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        def step(index: int, instance: Dataset) -> None:
            instance.AcquisitionNumber = index // 4

        write_series(image, tmp_path, edit=step, skip=(8,))
        assert reasons(index_dicom(tmp_path)) == ["missing slices (1 after slice 8)"]

    def test_two_frames_of_reference_in_one_series(
        self, phantom: Phantom, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        """The patient was moved in between: the same coordinates are other places."""

        def move(index: int, instance: Dataset) -> None:
            instance.FrameOfReferenceUID = "1.2.3.9" if index < 20 else "1.2.3.10"

        write_series(phantom(size=(24, 20, 40)), tmp_path, edit=move)
        index = index_dicom(tmp_path)
        assert [(series.part, len(series.slices)) for series in index.volumes] == [(1, 20), (2, 20)]
        assert {series.identity.frame_of_reference for series in index.volumes} == {"1.2.3.9", "1.2.3.10"}

    def test_a_frame_of_reference_for_each_file_tells_nothing(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        def anonymize(index: int, instance: Dataset) -> None:
            instance.FrameOfReferenceUID = generate_uid()

        files = write_series(image, tmp_path, edit=anonymize)
        assert reasons(index_dicom(tmp_path)) == [None]
        (tmp_path / "copies").mkdir()
        for path in files:
            shutil.copy(path, tmp_path / "copies")
        assert reasons(index_dicom(tmp_path)) == [None]

    def test_a_slice_without_frame_of_reference_is_with_the_others(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        def forget(index: int, instance: Dataset) -> None:
            instance.FrameOfReferenceUID = "" if index == 3 else "1.2.3.9"

        write_series(image, tmp_path, edit=forget)
        (series,) = index_dicom(tmp_path).volumes
        assert len(series.slices) == image.GetDepth()

    def test_two_patients_under_one_series_uid(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        uid = generate_uid()
        write_series(image, tmp_path / "a", SeriesInstanceUID=uid, PatientID="1")
        write_series(image, tmp_path / "b", SeriesInstanceUID=uid, PatientID="2")
        index = index_dicom(tmp_path)
        assert len(index.volumes) == 2
        assert index.volumes[0].identity.patient_id != index.volumes[1].identity.patient_id


class TestDuplicates:
    @pytest.mark.parametrize("identified", [True, False])
    def test_copies_are_left_out_and_told(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries, identified: bool
    ) -> None:
        files = write_series(image, tmp_path / "a")
        for path in files if not identified else ():
            instance = pydicom.dcmread(path)
            instance.SOPInstanceUID = instance.SeriesInstanceUID = instance.StudyInstanceUID = ""
            instance.file_meta.MediaStorageSOPInstanceUID = ""
            instance.save_as(path)
        copies = tmp_path / ("b" if identified else "a")
        copies.mkdir(exist_ok=True)
        for path in files[:5]:
            shutil.copy(path, copies / f"copy_{path.name}")
        index = index_dicom(tmp_path)
        assert reasons(index) == [None]
        assert len(index.series[0].slices) == 18
        assert [skipped.reason for skipped in index.skipped] == ["a copy of another file"] * 5

    def test_one_uid_for_all_instances_is_no_duplicate(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        def same(index: int, instance: Dataset) -> None:
            instance.SOPInstanceUID = "1.2.3.4"

        write_series(image, tmp_path, edit=same)
        (volume,) = index_dicom(tmp_path).volumes
        assert len(volume.slices) == 18


def test_missing_identifiers_are_no_obstacle(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    def strip(index: int, instance: Dataset) -> None:
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"):
            delattr(instance, keyword)

    write_series(image, tmp_path / "a", edit=strip)
    write_series(image, tmp_path / "b", edit=strip)
    index = index_dicom(tmp_path)
    assert reasons(index) == [None, None]
    assert index.series[0].identity.series == ""


def test_a_single_multi_series_zip_with_a_zip_in_it(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    files = write_series(image, tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.write(files[0], "IM")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "inner.zip")
        for path in files:
            outer.write(path, path.name)
    index = index_dicom(tmp_path / "outer.zip")
    assert reasons(index) == [None]
    assert [skipped.reason for skipped in index.skipped] == ["a zip inside; give it on its own"]


def test_progress_moves_and_a_cancellation_ends_it(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    for number in range(8):
        write_series(image, tmp_path / str(number))
    events: list[ProgressEvent] = []
    index_dicom(tmp_path, Progress(events.append))
    fractions = [event.fraction for event in events]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert not any("Doe" in event.message for event in events)
    with pytest.raises(Cancelled):
        index_dicom(tmp_path, Progress(cancelled=lambda: True))


def test_the_real_ct_is_one_volume(real_ct: Path) -> None:
    (series,) = index_dicom(real_ct).series
    assert series.why_not_volume is None
    assert series.uid == ""
    assert series.stack is not None
    np.testing.assert_allclose(series.stack.spacing, (0.9765625, 0.9765625, 2.0))
