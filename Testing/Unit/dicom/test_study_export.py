from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.study_export import export_dicom
from NephroSynthLib.errors import IdentityError, ImageContentError, UnreadableInputError, UsageError

MODEL = ModelIdentity("nephrographic-synthesizer", "0123456789abcdef" * 4)
HospitalSeries = Callable[..., list[Path]]
MakeKidneys = Callable[[sitk.Image], sitk.Image]


def test_an_export_holds_the_series_and_the_segmentation(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    export = export_dicom(
        axial, hospital_series(axial), tmp_path / "out", model=MODEL, kidneys=kidneys(axial), kidney_model=MODEL
    )
    assert sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file()) == sorted(export.files)
    assert len(export.series) == axial.GetDepth()


def test_series_numbers_are_free_in_the_study(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    export = export_dicom(
        *(axial, hospital_series(axial, SeriesNumber=9001), tmp_path / "out"),
        model=MODEL,
        kidneys=kidneys(axial),
        taken_series_numbers=[9003],
    )
    assert pydicom.dcmread(export.files[0]).SeriesNumber == 9002
    assert pydicom.dcmread(export.files[-1]).SeriesNumber == 9004


def test_a_series_number_that_is_none_is_no_obstacle(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source = hospital_series(axial, SeriesNumber=[1, 2])
    assert pydicom.dcmread(export_dicom(axial, source, tmp_path / "out", model=MODEL).files[0]).SeriesNumber == 9001


def test_a_failed_export_leaves_nothing(axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path) -> None:
    source = hospital_series(axial)
    axial[3, 3, 6] = float("nan")
    with pytest.raises(ImageContentError):
        export_dicom(axial, source, tmp_path / "out", model=MODEL)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_failed_export_leaves_the_one_before(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source = hospital_series(axial)
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL)
    before = [path.read_bytes() for path in export.files]
    with pytest.raises(ImageContentError):
        export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial) * 3, overwrite=True)
    assert [path.read_bytes() for path in export.files] == before
    with pytest.raises(UsageError):
        export_dicom(axial, source, tmp_path / "out", model=MODEL)


@pytest.mark.parametrize("birth_date", ["19.01.1950", "1950", "00000000"])
def test_odd_names_and_dates_are_kept_and_not_talked_about(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path, birth_date: str,
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder,
) -> None:  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = hospital_series(axial, PatientName="Mustermann Erika", PatientBirthDate=birth_date)
    capfd.readouterr()
    recwarn.clear()
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial))
    assert "".join(capfd.readouterr()) == ""
    assert len(recwarn) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in export.files:
            instance = pydicom.dcmread(path)
            assert instance.PatientName == "Mustermann Erika"
            assert instance.PatientBirthDate == birth_date


def test_times_are_told_by_the_clock_of_the_source(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source = hospital_series(axial, TimezoneOffsetFromUTC="+0900")
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial))
    for path in (export.files[0], export.files[-1]):
        instance = pydicom.dcmread(path)
        told = f"{instance.ContentDate}{instance.ContentTime[:6]}{instance.TimezoneOffsetFromUTC}"
        written = datetime.strptime(told, "%Y%m%d%H%M%S%z")
        assert abs((datetime.now(timezone.utc) - written).total_seconds()) < 600


def test_files_of_two_series_are_refused(axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path) -> None:
    with pytest.raises(IdentityError):
        export_dicom(axial, hospital_series(axial) + hospital_series(axial, "other"), tmp_path / "out", model=MODEL)


def test_what_is_not_dicom_is_refused(axial: sitk.Image, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    for files in ([], [tmp_path / "notes.txt"], [tmp_path / "missing.dcm"]):
        with pytest.raises(UnreadableInputError):
            export_dicom(axial, files, tmp_path / "out", model=MODEL)


def test_a_source_without_its_identifiers_is_refused(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        source = hospital_series(axial)
        for path in source:
            instance = pydicom.dcmread(path)
            instance[keyword].value = instance.file_meta.MediaStorageSOPInstanceUID = ""
            instance.save_as(path)
        with pytest.raises(UnreadableInputError, match="lacks the UIDs"):
            export_dicom(axial, source, tmp_path / "out", model=MODEL)


CHARACTER_SETS = {
    "": "Mustermann^Erika",
    "ISO_IR 6": "Mustermann^Erika",
    "ISO_IR 100": "Müller^Jürgen",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "ISO_IR 166": "สมชาย^ใจดี",
    "ISO_IR 192": "Wang^XiaoDong=王^小东",
    "GB18030": "Wang^XiaoDong=王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "ISO 2022 IR 6\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎",
}


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
def test_every_object_keeps_the_characters_of_its_source(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path, character_set: str
) -> None:
    name = CHARACTER_SETS[character_set]
    sets = character_set.split("\\") if "\\" in character_set else character_set
    source = hospital_series(axial, SpecificCharacterSet=sets, PatientName=name)
    assert str(pydicom.dcmread(source[0]).PatientName) == name
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial), kidney_model=MODEL)
    for path in (export.series[0], export.files[-1]):
        instance = pydicom.dcmread(path)
        assert str(instance.PatientName) == name
        assert instance.get("SpecificCharacterSet", "") == sets


@pytest.mark.parametrize("name", ["modèle", "модель", "m" * 80, "a\\b"])
def test_any_name_of_a_model_can_be_written(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path, name: str
) -> None:
    model = ModelIdentity(name, MODEL.sha256)
    export = export_dicom(
        *(axial, hospital_series(axial), tmp_path / "out"), model=model, kidneys=kidneys(axial), kidney_model=model
    )
    algorithm = pydicom.dcmread(export.files[-1]).SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert str(algorithm.AlgorithmName).isascii()
    assert algorithm["AlgorithmName"].VM == 1
    assert len(algorithm.AlgorithmName) <= 64
    assert algorithm.AlgorithmName in pydicom.dcmread(export.series[0]).DerivationDescription


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_ages_weights_and_times_that_are_not_well_formed_are_left_out(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source = hospital_series(axial, PatientWeight="111111", PatientAge="222Y", PatientSize="1.75", StudyTime="10:11:12")
    for path in source:
        path.write_bytes(path.read_bytes().replace(b"111111", b"70,5  ").replace(b"222Y", b"81 y"))
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial))
    for path in (export.series[0], export.files[-1]):
        instance = pydicom.dcmread(path)
        assert "PatientWeight" not in instance
        assert "PatientAge" not in instance
        assert instance.PatientSize == 1.75
        assert instance.StudyTime == "10:11:12"


@pytest.mark.parametrize("files", [1, 2])
def test_an_enhanced_source_is_referenced_by_frame(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path, files: int
) -> None:
    """The kidneys come out as from single-frame files; the references say which instance and frame of it."""
    plain = hospital_series(axial)
    count = -(-len(plain) // files)
    enhanced = [
        _as_enhanced(plain[start : start + count], tmp_path / f"enhanced{start}.dcm")
        for start in range(0, len(plain), count)
    ]
    places = {}
    for path in enhanced:
        instance = pydicom.dcmread(path)
        for number, group in enumerate(instance.PerFrameFunctionalGroupsSequence, start=1):
            height = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
            places[round(height, 3)] = str(instance.SOPInstanceUID), number

    def check(position: float, reference: pydicom.Dataset) -> None:
        assert reference.ReferencedSOPClassUID == pydicom.uid.EnhancedCTImageStorage
        found = str(reference.ReferencedSOPInstanceUID), reference.ReferencedFrameNumber
        assert found == places[round(float(position), 3)]

    labels = kidneys(axial)
    export = export_dicom(axial, enhanced, tmp_path / "out", model=MODEL, kidneys=labels, kidney_model=MODEL)
    for path in export.series:
        instance = pydicom.dcmread(path)
        [reference] = instance.SourceImageSequence
        check(instance.ImagePositionPatient[2], reference)
    segmentation = hd.seg.segread(export.files[-1])
    for group in segmentation.PerFrameFunctionalGroupsSequence:
        [reference] = group.DerivationImageSequence[0].SourceImageSequence
        check(group.PlanePositionSequence[0].ImagePositionPatient[2], reference)
    [series] = segmentation.ReferencedSeriesSequence
    assert {str(item.ReferencedSOPInstanceUID) for item in series.ReferencedInstanceSequence} == {
        uid for uid, _ in places.values()
    }
    expected = export_dicom(axial, plain, tmp_path / "plain", model=MODEL, kidneys=labels, kidney_model=MODEL)
    expected_labels = hd.seg.segread(expected.files[-1]).get_volume(combine_segments=True)
    found_labels = segmentation.get_volume(combine_segments=True)
    np.testing.assert_array_equal(found_labels.array, expected_labels.array)
    np.testing.assert_allclose(found_labels.affine, expected_labels.affine)


def test_an_instance_of_several_referenced_frames_is_listed_once_and_whole(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    enhanced = _as_enhanced(hospital_series(axial), tmp_path / "enhanced.dcm")
    coarse = sitk.BinShrink(axial, (1, 1, 3))
    export = export_dicom(coarse, [enhanced], tmp_path / "out", model=MODEL, kidneys=kidneys(axial))
    for path in (export.series[0], export.files[-1]):
        [series] = pydicom.dcmread(path).ReferencedSeriesSequence
        [item] = series.ReferencedInstanceSequence
        assert "ReferencedFrameNumber" not in item
    assert len(pydicom.dcmread(export.series[0]).SourceImageSequence) == 3


def test_only_the_frames_of_the_own_acquisition_are_referenced(hospital_series: HospitalSeries, tmp_path: Path) -> None:
    """An enhanced file that holds two acquisitions at the same places is two volumes of the index."""
    image = sitk.Image((12, 10, 18), sitk.sitkFloat32)
    plain = hospital_series(image)
    _as_enhanced([*plain, *plain], tmp_path / "enhanced" / "e.dcm", acquisitions=2)
    volumes = index_dicom(tmp_path / "enhanced").volumes
    assert [(one.part, len(one.slices)) for one in volumes] == [(1, 18), (2, 18)]
    for part, series in enumerate(volumes):
        export = export_dicom(image, series, tmp_path / str(part), model=MODEL)
        numbers = [pydicom.dcmread(path).SourceImageSequence[0].ReferencedFrameNumber for path in export.series]
        assert numbers == [18 * part + index + 1 for index in range(18)]


def test_an_enhanced_series_that_was_derived_is_set_aside_but_can_be_read(
    hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    path = _as_enhanced(hospital_series(sitk.Image((12, 10, 18), sitk.sitkFloat32)), tmp_path / "e.dcm")
    instance = pydicom.dcmread(path)
    for group in instance.PerFrameFunctionalGroupsSequence:
        group.CTImageFrameTypeSequence = [pydicom.Dataset()]
        group.CTImageFrameTypeSequence[0].FrameType = ["DERIVED", "PRIMARY", "VOLUME", "MAT_REMOVED"]
    instance.save_as(path)
    (series,) = index_dicom(path).series
    assert series.why_not_volume == "computed from several energies"
    assert series.is_derived_volume


def _as_enhanced(files: list[Path], path: Path, acquisitions: int = 1) -> Path:
    """One multi-frame header for all the slices, as an enhanced CT has it."""
    slices = [pydicom.dcmread(file) for file in files]
    enhanced = slices[0]
    enhanced.SOPClassUID = enhanced.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
    shared, frames = pydicom.Dataset(), []
    for number, slice_ in enumerate(slices):
        position, content, frame = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = slice_.ImagePositionPatient
        content.FrameAcquisitionNumber = 1 + number * acquisitions // len(slices)
        frame.PlanePositionSequence, frame.FrameContentSequence = [position], [content]
        frames.append(frame)
    orientation, measures, rescale = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = enhanced.ImageOrientationPatient
    measures.PixelSpacing = enhanced.PixelSpacing
    rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = 0, 1, "HU"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    shared.PixelValueTransformationSequence = [rescale]
    enhanced.SharedFunctionalGroupsSequence, enhanced.PerFrameFunctionalGroupsSequence = [shared], frames
    enhanced.NumberOfFrames = len(frames)
    for keyword in (
        *("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("RescaleIntercept", "RescaleSlope", "RescaleType"),
    ):
        del enhanced[keyword]
    path.parent.mkdir(exist_ok=True)
    enhanced.save_as(path)
    return path
