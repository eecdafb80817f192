from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from NephroSynthLib.dicom.references import image_reference, instance_references, reference_series
from NephroSynthLib.dicom.source_series import SourceFrame


def frame(uid: str, number: int | None = None, series: str = "1.1", study: str = "1") -> SourceFrame:
    instance = Dataset()
    instance.SOPClassUID, instance.SOPInstanceUID = CTImageStorage, uid
    instance.SeriesInstanceUID, instance.StudyInstanceUID = series, study
    return SourceFrame(instance, number, instance, np.zeros((4, 3)))


def test_a_slice_is_referenced_by_instance_and_by_frame_where_there_are_several() -> None:
    single, several = image_reference(frame("1.1.1")), image_reference(frame("1.1.2", 7))
    assert (single.ReferencedSOPClassUID, single.ReferencedSOPInstanceUID) == (CTImageStorage, "1.1.1")
    assert "ReferencedFrameNumber" not in single
    assert several.ReferencedFrameNumber == 7


def test_an_instance_is_listed_once_and_whole() -> None:
    items = instance_references([frame("1.1.1", 1), frame("1.1.1", 2), frame("1.1.2")])
    assert [item.ReferencedSOPInstanceUID for item in items] == ["1.1.1", "1.1.2"]
    assert not any("ReferencedFrameNumber" in item for item in items)


def test_series_of_the_own_study_and_of_others_are_listed_apart() -> None:
    instance = Dataset()
    instance.StudyInstanceUID = "1"
    frames = [frame("1.1.1"), frame("1.2.1", series="1.2"), frame("2.1.1", series="2.1", study="2"), frame("1.1.2")]
    reference_series(instance, frames)
    own = {item.SeriesInstanceUID: item.ReferencedInstanceSequence for item in instance.ReferencedSeriesSequence}
    assert {uid: [one.ReferencedSOPInstanceUID for one in items] for uid, items in own.items()} == {
        "1.1": ["1.1.1", "1.1.2"],
        "1.2": ["1.2.1"],
    }
    [other] = instance.StudiesContainingOtherReferencedInstancesSequence
    assert other.StudyInstanceUID == "2"
    [series] = other.ReferencedSeriesSequence
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == "2.1.1"


def test_nothing_but_the_own_study_makes_no_list_of_others() -> None:
    instance = Dataset()
    instance.StudyInstanceUID = "1"
    reference_series(instance, [frame("1.1.1")])
    assert "StudiesContainingOtherReferencedInstancesSequence" not in instance
