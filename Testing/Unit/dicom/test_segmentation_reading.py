from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.kidney_segmentation import write_kidney_segmentation
from NephroSynthLib.dicom.segmentation_reading import read_kidney_segments
from NephroSynthLib.dicom.source_series import read_source
from NephroSynthLib.errors import NoKidneyError, UnreadableInputError
from NephroSynthLib.imaging.grids import resample

HospitalSeries = Callable[..., list[Path]]
MakeKidneys = Callable[[sitk.Image], sitk.Image]


@pytest.fixture
def written(axial: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path) -> Path:
    source = read_source(hospital_series(axial))
    return write_kidney_segmentation(kidneys(axial), source, tmp_path / "kidneys.dcm", model=None, series_number=9)


def test_kidneys_come_back_where_they_were(
    volume: sitk.Image, kidneys: MakeKidneys, hospital_series: HospitalSeries, tmp_path: Path
) -> None:
    labels, source = kidneys(volume), read_source(hospital_series(volume))
    path = write_kidney_segmentation(labels, source, tmp_path / "kidneys.dcm", model=None, series_number=9)
    found = resample(read_kidney_segments(path), volume, label=True)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(labels))


@pytest.mark.parametrize(("label", "side"), [("left_kidney", 2), ("Niere", 3)])
def test_the_name_of_the_segment_tells_the_side(written: Path, label: str, side: int) -> None:
    instance = pydicom.dcmread(written)
    instance.SegmentSequence[0].SegmentLabel = label
    del instance.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    instance.SegmentSequence[1].SegmentLabel = "spleen"
    instance.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Spleen"
    instance.save_as(written)
    assert set(np.unique(sitk.GetArrayFromImage(read_kidney_segments(written)))) == {0, side}


def test_other_files_and_segmentations_without_a_kidney_are_refused(written: Path, tmp_path: Path) -> None:
    instance = pydicom.dcmread(written)
    for segment in instance.SegmentSequence:
        segment.SegmentLabel = "spleen"
        segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Spleen"
    instance.save_as(tmp_path / "spleen.dcm")
    with pytest.raises(NoKidneyError):
        read_kidney_segments(tmp_path / "spleen.dcm")
    instance.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    instance.save_as(tmp_path / "ct.dcm")
    with pytest.raises(UnreadableInputError):
        read_kidney_segments(tmp_path / "ct.dcm")
