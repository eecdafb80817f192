from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.export import export_dicom
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


def test_an_enhanced_source_is_referenced_by_frame(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    enhanced = _as_enhanced(hospital_series(axial), tmp_path / "enhanced.dcm")
    export = export_dicom(axial, [enhanced], tmp_path / "out", model=MODEL)
    for index, path in enumerate(export.series):
        [reference] = pydicom.dcmread(path).SourceImageSequence
        assert reference.ReferencedFrameNumber == index + 1


def _as_enhanced(files: list[Path], path: Path) -> Path:
    """One multi-frame header for all the slices, as an enhanced CT has it."""
    slices = [pydicom.dcmread(file) for file in files]
    enhanced = slices[0]
    enhanced.SOPClassUID = enhanced.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
    shared, frames = pydicom.Dataset(), []
    for slice_ in slices:
        position, frame = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = slice_.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    orientation, measures = pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = enhanced.ImageOrientationPatient
    measures.PixelSpacing = enhanced.PixelSpacing
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    enhanced.SharedFunctionalGroupsSequence, enhanced.PerFrameFunctionalGroupsSequence = [shared], frames
    enhanced.NumberOfFrames = len(frames)
    for keyword in ("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        del enhanced[keyword]
    enhanced.save_as(path)
    return path
