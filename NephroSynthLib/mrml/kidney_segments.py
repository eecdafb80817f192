"""The segments of a segmentation node that are kidneys, recognized by terminology or name."""

from __future__ import annotations

import slicer
import vtk

from NephroSynthLib.imaging.kidney_names import kidney_side
from NephroSynthLib.imaging.sides import SIDES


def segment_ids(node: slicer.vtkMRMLSegmentationNode) -> dict[str, str]:
    """The IDs of the segments whose terminology or name tells the side, by side: 'right', 'left'."""
    by_side = {side: segment_id for segment_id, side in reversed(kidney_sides(node).items())}
    return {side: by_side[label] for side, label in SIDES.items() if label in by_side}


def kidney_sides(node: slicer.vtkMRMLSegmentationNode) -> dict[str, int]:
    """The segments that are kidneys, by ID, with their side."""
    segmentation = node.GetSegmentation()
    found = {}
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        side = kidney_side(segment.GetName() or "", _terminology(segment))
        if side is not None:
            found[segmentation.GetNthSegmentID(index)] = side
    return found


def _terminology(segment: slicer.vtkSegment) -> str:
    """The words of a segment's terminology, without the name of its context."""
    text = vtk.reference("")
    segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    return " ".join(part.split("^")[-1] for part in str(text).split("~")[1:4])
