"""References to the slices of a source: image by image, and by instance, series and study."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from NephroSynthLib.dicom.source_series import SourceFrame


def image_reference(frame: SourceFrame) -> Dataset:
    """Returns a reference to one slice: its instance, and its frame where there are several (PS3.3 table 10-3)."""
    item = _instance_reference(frame)
    if frame.number is not None:
        item.ReferencedFrameNumber = frame.number
    return item


def instance_references(frames: Iterable[SourceFrame]) -> list[Dataset]:
    """Returns references to the instances that hold some slices, each once and as a whole."""
    instances = {str(frame.instance.SOPInstanceUID): frame for frame in frames}
    return [_instance_reference(frame) for frame in instances.values()]


def reference_series(instance: Dataset, frames: Iterable[SourceFrame]) -> None:
    """Lists the referenced instances by series, and by study outside their own (PS3.3 C.12.2)."""
    studies: dict[str, dict[str, list[SourceFrame]]] = {}
    for frame in frames:
        study = studies.setdefault(str(frame.instance.StudyInstanceUID), {})
        study.setdefault(str(frame.instance.SeriesInstanceUID), []).append(frame)
    others = []
    for study_uid, series in studies.items():
        items = [_series_reference(uid, members) for uid, members in series.items()]
        if study_uid == instance.StudyInstanceUID:
            instance.ReferencedSeriesSequence = items
            continue
        other = Dataset()
        other.StudyInstanceUID = study_uid
        other.ReferencedSeriesSequence = items
        others.append(other)
    if others:
        instance.StudiesContainingOtherReferencedInstancesSequence = others


def _instance_reference(frame: SourceFrame) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = frame.instance.SOPClassUID
    item.ReferencedSOPInstanceUID = frame.instance.SOPInstanceUID
    return item


def _series_reference(series_uid: str, frames: Iterable[SourceFrame]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series_uid
    item.ReferencedInstanceSequence = instance_references(frames)
    return item
