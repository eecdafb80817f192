"""Kidneys among the segments of any tool."""

from __future__ import annotations

import slicer
import vtk

from NephroSynthLib.imaging.sides import EITHER, LEFT, RIGHT
from NephroSynthLib.mrml.kidney_segments import kidney_sides, segment_ids

Node = slicer.vtkMRMLSegmentationNode


def named(scene: slicer.vtkMRMLScene, *names: str) -> Node:
    """A segmentation with empty segments of these names, which are their IDs too."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for name in names:
        node.GetSegmentation().AddEmptySegment(name, name)
    return node


def test_names_tell_kidneys_and_sides(scene: slicer.vtkMRMLScene) -> None:
    node = named(scene, "liver", "kidney_left", "Right kidney", "kidneys")
    assert kidney_sides(node) == {"kidney_left": LEFT, "Right kidney": RIGHT, "kidneys": EITHER}
    assert segment_ids(node) == {"right": "Right kidney", "left": "kidney_left"}


def test_the_first_of_two_segments_of_a_side_is_taken(scene: slicer.vtkMRMLScene) -> None:
    assert segment_ids(named(scene, "left kidney", "kidney left")) == {"left": "left kidney"}


def test_terminology_tells_a_kidney_that_the_name_does_not(scene: slicer.vtkMRMLScene) -> None:
    node = named(scene, "Segment_1")
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    entry = "list~SCT^1^Anatomical Structure~SCT^64033007^Kidney~SCT^24028007^Right~list~^^~^^"
    node.GetSegmentation().GetSegment("Segment_1").SetTag(tag, entry)
    read = vtk.reference("")
    assert node.GetSegmentation().GetSegment("Segment_1").GetTag(tag, read)
    assert kidney_sides(node) == {"Segment_1": RIGHT}
