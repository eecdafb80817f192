from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib import __version__
from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.source_series import read_source
from NephroSynthLib.dicom.synthetic_series import write_synthetic_series
from NephroSynthLib.errors import GeometryError

MODEL = ModelIdentity("nephrographic-synthesizer", "0123456789abcdef" * 4)
HospitalSeries = Callable[..., list[Path]]


def _write(image: sitk.Image, source_files: list[Path], folder: Path) -> list[Path]:
    return write_synthetic_series(image, read_source(source_files), folder, model=MODEL, series_number=9001)


def _assert_same(read: sitk.Image, written: sitk.Image) -> None:
    """The same voxels at the same places, whichever way the axes run."""
    left, right = sitk.DICOMOrient(read, "LPS"), sitk.DICOMOrient(written, "LPS")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(left), sitk.GetArrayFromImage(right))
    np.testing.assert_allclose(left.GetSpacing(), right.GetSpacing(), rtol=1e-9)
    np.testing.assert_allclose(left.GetOrigin(), right.GetOrigin(), atol=1e-6)
    np.testing.assert_allclose(left.GetDirection(), right.GetDirection(), atol=1e-9)


def test_simpleitk_reads_back_what_was_written(
    volume: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    _write(volume, hospital_series(volume), tmp_path / "out")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    _assert_same(reader.Execute(), volume)


def test_highdicom_reads_back_what_was_written(
    volume: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    files = _write(volume, hospital_series(volume), tmp_path / "out")
    read = hd.get_volume_from_series([pydicom.dcmread(path) for path in files])
    expected = sitk.GetArrayFromImage(volume)
    for slice_, row, column in np.ndindex(read.spatial_shape):
        if (slice_ + row + column) % 17:
            continue
        point = read.affine @ [slice_, row, column, 1]
        i, j, k = volume.TransformPhysicalPointToIndex(point[:3].tolist())
        assert read.array[slice_, row, column] == expected[k, j, i]


def test_pydicom_reads_back_what_was_written(
    volume: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    for index, path in enumerate(_write(volume, hospital_series(volume), tmp_path / "out")):
        instance = pydicom.dcmread(path)
        hounsfield = instance.pixel_array * instance.RescaleSlope + instance.RescaleIntercept
        np.testing.assert_array_equal(hounsfield, sitk.GetArrayFromImage(volume)[index])
        np.testing.assert_allclose(
            instance.ImagePositionPatient, volume.TransformIndexToPhysicalPoint((0, 0, index)), atol=1e-6
        )


def test_series_is_new_in_the_study_and_space_of_its_source(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source_files = hospital_series(axial)
    source = pydicom.dcmread(source_files[0])
    written = [pydicom.dcmread(path) for path in _write(axial, source_files, tmp_path / "out")]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "StudyDate"):
        assert {str(instance[keyword].value) for instance in written} == {str(source[keyword].value)}
    assert {instance.PatientPosition for instance in written} == {"FFS"}
    assert {instance.SeriesInstanceUID for instance in written} != {source.SeriesInstanceUID}
    assert len({instance.SeriesInstanceUID for instance in written}) == 1
    originals = {pydicom.dcmread(path).SOPInstanceUID for path in source_files}
    assert len({instance.SOPInstanceUID for instance in written} - originals) == len(written)


def test_nobody_can_take_it_for_an_acquisition(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    instance = pydicom.dcmread(_write(axial, hospital_series(axial), tmp_path / "out")[0])
    assert list(instance.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert "SYNTHETIC" in instance.SeriesDescription
    assert "RESEARCH" in instance.SeriesDescription
    assert "not for diagnosis" in instance.DerivationDescription
    assert instance.ContentQualification == "RESEARCH"
    assert "NephroSynth" in instance.Manufacturer
    own = instance.ContributingEquipmentSequence[-1]
    assert own.SoftwareVersions == __version__
    assert MODEL.sha256 in own.ContributionDescription


def test_no_dose_exposure_or_private_attribute_is_taken_over(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    instance = pydicom.dcmread(_write(axial, hospital_series(axial), tmp_path / "out")[0])
    for keyword in ("XRayTubeCurrent", "Exposure", "CTDIvol", "AcquisitionTime", "ContrastBolusAgent"):
        assert keyword not in instance
    assert instance.KVP is None
    assert not [element for element in instance.iterall() if element.tag.is_private]


def test_window_shows_soft_tissue(axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path) -> None:
    instance = pydicom.dcmread(_write(axial, hospital_series(axial), tmp_path / "out")[0])
    assert (instance.WindowWidth, instance.WindowCenter) == (400, 50)


def test_each_slice_refers_to_the_source_slices_at_its_place(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source_files = hospital_series(axial)
    sources = {str(pydicom.dcmread(path).SOPInstanceUID): pydicom.dcmread(path) for path in source_files}
    for path in _write(axial, source_files, tmp_path / "out"):
        instance = pydicom.dcmread(path)
        [reference] = instance.SourceImageSequence
        assert sources[reference.ReferencedSOPInstanceUID].SliceLocation == instance.SliceLocation
        assert sources[reference.ReferencedSOPInstanceUID].InstanceNumber == instance.InstanceNumber
        [series] = instance.ReferencedSeriesSequence
        assert series.SeriesInstanceUID == sources[reference.ReferencedSOPInstanceUID].SeriesInstanceUID


def test_the_excretory_series_is_referenced_too(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    thin = sitk.Resample(axial, (24, 20, 14), sitk.Transform(), sitk.sitkLinear, axial.GetOrigin(), (0.75, 0.8, 1.25))
    source, excretory = read_source(hospital_series(axial)), read_source(hospital_series(thin, "excretory"))
    files = write_synthetic_series(
        axial, source, tmp_path / "out", model=MODEL, series_number=9001, excretory=excretory
    )
    middle = pydicom.dcmread(files[3])
    expected = {str(f.instance.SOPInstanceUID) for f in excretory.frames if abs(f.corners[0, 2] + 604.75) <= 1.25}
    referenced = {str(item.ReferencedSOPInstanceUID) for item in middle.SourceImageSequence}
    assert len(expected) == 3
    assert expected < referenced
    assert len(middle.ReferencedSeriesSequence) == 2


@pytest.mark.parametrize(
    ("character_set", "name"),
    [("ISO_IR 100", "Müller^Jürgen"), ("ISO_IR 192", "Wang^XiaoDong=王^小东"), ("ISO_IR 144", "Люкceмбypг^Иван")],
)
def test_names_keep_their_characters(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path, character_set: str, name: str
) -> None:
    source = hospital_series(axial, SpecificCharacterSet=character_set, PatientName=name)
    instance = pydicom.dcmread(_write(axial, source, tmp_path / "out")[0])
    assert instance.SpecificCharacterSet == character_set
    assert str(instance.PatientName) == name


def test_lossy_history_is_kept(axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path) -> None:
    source = hospital_series(axial, LossyImageCompression="01", LossyImageCompressionRatio=8.5)
    instance = pydicom.dcmread(_write(axial, source, tmp_path / "out")[0])
    assert (instance.LossyImageCompression, instance.LossyImageCompressionRatio) == ("01", 8.5)


def test_a_flipped_volume_is_refused(axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path) -> None:
    source = hospital_series(axial)
    axial.SetOrigin([-x for x in axial.GetOrigin()])
    with pytest.raises(GeometryError, match="beyond the source"):
        _write(axial, source, tmp_path / "out")
