from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.kidney_segmentation import write_kidney_segmentation
from NephroSynthLib.dicom.source_series import read_source
from NephroSynthLib.errors import ImageContentError

MODEL = ModelIdentity("kidney-segmenter", "fedcba9876543210" * 4)
HospitalSeries = Callable[..., list[Path]]
MakeKidneys = Callable[[sitk.Image], sitk.Image]


def _write(
    labels: sitk.Image, source: list[Path], path: Path, model: ModelIdentity | None = MODEL
) -> hd.seg.Segmentation:
    return hd.seg.segread(write_kidney_segmentation(labels, read_source(source), path, model=model, series_number=9002))


def test_each_kidney_comes_back_where_it_was(
    volume: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    labels = kidneys(volume)
    segmentation = _write(labels, hospital_series(volume), tmp_path / "kidneys.dcm")
    read = segmentation.get_volume(combine_segments=True)
    found: dict[int, set[tuple[int, ...]]] = {1: set(), 2: set()}
    for index in np.argwhere(read.array):
        point = read.affine @ [*index, 1]
        found[int(read.array[tuple(index)])].add(labels.TransformPhysicalPointToIndex(point[:3].tolist()))
    array = sitk.GetArrayFromImage(labels)
    for label in (1, 2):
        assert found[label] == {tuple(int(i) for i in index[::-1]) for index in np.argwhere(array == label)}


def test_pydicom_reads_each_frame_where_it_lies(
    volume: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    labels = kidneys(volume)
    _write(labels, hospital_series(volume), tmp_path / "kidneys.dcm")
    instance = pydicom.dcmread(tmp_path / "kidneys.dcm")
    shared = instance.SharedFunctionalGroupsSequence[0]
    row, column = np.reshape(shared.PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3)).astype(float)
    row_mm, column_mm = (float(mm) for mm in shared.PixelMeasuresSequence[0].PixelSpacing)
    found = np.zeros(labels.GetSize()[::-1], np.uint8)
    for group, frame in zip(instance.PerFrameFunctionalGroupsSequence, instance.pixel_array, strict=True):
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for r, c in np.argwhere(frame):
            x, y, z = labels.TransformPhysicalPointToIndex(
                (origin + c * column_mm * row + r * row_mm * column).tolist()
            )
            found[z, y, x] = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(labels))
    assert float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices) == pytest.approx(labels.GetSpacing()[2])


def test_simpleitk_reads_a_kidney_with_its_geometry(
    volume: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    alone = kidneys(volume) == 2
    _write(alone * 2, hospital_series(volume), tmp_path / "kidneys.dcm")
    read = sitk.ReadImage(str(tmp_path / "kidneys.dcm")) > 0
    bounds = sitk.LabelShapeStatisticsImageFilter()
    bounds.Execute(alone)
    _, _, z, _, _, depth = bounds.GetBoundingBox(1)
    expected = sitk.DICOMOrient(alone[:, :, z : z + depth], "LPS")
    found = sitk.DICOMOrient(read, "LPS")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(expected))
    np.testing.assert_allclose(found.GetSpacing(), expected.GetSpacing(), rtol=1e-9)
    np.testing.assert_allclose(found.GetOrigin(), expected.GetOrigin(), atol=1e-6)
    np.testing.assert_allclose(found.GetDirection(), expected.GetDirection(), atol=1e-9)


def test_sides_are_coded(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    segmentation = _write(kidneys(axial), hospital_series(axial), tmp_path / "kidneys.dcm")
    sides = {}
    for segment in segmentation.SegmentSequence:
        kidney = segment.SegmentedPropertyTypeCodeSequence[0]
        assert (kidney.CodeValue, kidney.CodingSchemeDesignator) == ("64033007", "SCT")
        sides[segment.SegmentLabel] = kidney.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue
    assert sides == {"Right kidney": "24028007", "Left kidney": "7771000"}


def test_a_left_kidney_alone_stays_the_left_one(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    labels = kidneys(axial)
    alone = sitk.Mask(labels, labels == 2)
    segmentation = _write(alone, hospital_series(axial), tmp_path / "kidneys.dcm")
    assert [segment.SegmentLabel for segment in segmentation.SegmentSequence] == ["Left kidney"]
    assert segmentation.get_volume(combine_segments=True).array.sum() == (sitk.GetArrayFromImage(labels) == 2).sum()


def test_the_algorithm_is_named_with_its_hash(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    segmentation = _write(kidneys(axial), hospital_series(axial), tmp_path / "kidneys.dcm")
    for segment in segmentation.SegmentSequence:
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "kidney-segmenter"
        assert MODEL.sha256 in segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters


def test_a_given_label_map_is_not_credited_to_a_model(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    segmentation = _write(kidneys(axial), hospital_series(axial), tmp_path / "kidneys.dcm", model=None)
    assert {segment.SegmentAlgorithmType for segment in segmentation.SegmentSequence} == {"MANUAL"}


def test_it_belongs_to_the_study_of_its_source(
    axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    source_files = hospital_series(axial)
    source = pydicom.dcmread(source_files[0])
    segmentation = _write(kidneys(axial), source_files, tmp_path / "kidneys.dcm")
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientBirthDate", "StudyDescription"):
        assert segmentation[keyword].value == source[keyword].value
    assert not [element for element in segmentation.iterall() if element.tag.is_private]
    [series] = segmentation.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.SeriesInstanceUID


@pytest.mark.parametrize("label", [0, 3])
def test_label_maps_without_kidneys_are_refused(
    axial: sitk.Image, hospital_series: HospitalSeries, tmp_path: Path, label: int
) -> None:
    labels = sitk.Cast(axial * 0 + label, sitk.sitkUInt8)
    with pytest.raises(ImageContentError):
        _write(labels, hospital_series(axial), tmp_path / "kidneys.dcm")
