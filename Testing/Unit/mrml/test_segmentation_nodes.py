"""Kidneys as segmentation nodes and label maps, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from kidney_nodes import segmentation_from_labels

from NephroSynthLib.errors import GeometryError, NoKidneyError
from NephroSynthLib.exam.kidney_labels import read_kidneys
from NephroSynthLib.imaging import grids
from NephroSynthLib.mrml import images
from NephroSynthLib.mrml import segmentation_nodes as segmentations
from NephroSynthLib.mrml.kidney_segments import segment_ids
from NephroSynthLib.mrml.segmentation_nodes import (
    attach_segments,
    kidneys_writer,
    labels_from_segmentation,
    prepare_segments,
)
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


def _oblique() -> list[float]:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.2, -0.1, 0.3)
    return list(turn.GetMatrix())


def _body(direction: list[float] | None = None) -> sitk.Image:
    """Soft tissue in air; the patient's right is at low LPS x."""
    values = np.full((20, 24, 40), -1000, np.float32)
    values[2:18, 3:21, 3:37] = 40
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((2.0, 2.5, 3.0))
    if direction:
        image.SetDirection(direction)
    centre = image.TransformContinuousIndexToPhysicalPoint((19.5, 11.5, 9.5))
    image.SetOrigin([-value for value in centre])
    return image


def _kidneys(body: sitk.Image) -> sitk.Image:
    values = np.zeros(body.GetSize()[::-1], np.uint8)
    values[6:14, 8:14, 6:12] = 1
    values[5:13, 9:15, 28:34] = 2
    labels = sitk.GetImageFromArray(values)
    labels.CopyInformation(body)
    return labels


@pytest.fixture(params=[None, _oblique(), [0, 1, 0, 0, 0, -1, -1, 0, 0]], ids=["axial", "oblique", "sagittal"])
def body(request: pytest.FixtureRequest) -> sitk.Image:
    return _body(request.param)


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def test_labels_come_back_as_they_went(scene: Scene, body: sitk.Image) -> None:
    reference = node_from_image(scene, body, "CT")
    labels = _kidneys(body)
    node = segmentation_from_labels(scene, labels, "kidneys", reference)
    back = labels_from_segmentation(node, reference)
    assert back.GetPixelID() == sitk.sitkUInt8
    assert back.GetOrigin() == pytest.approx(labels.GetOrigin())
    np.testing.assert_array_equal(_array(back), _array(labels))


def test_segments_have_names_colours_and_terminology_that_slicer_reads(scene: Scene) -> None:
    body = _body()
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", node_from_image(scene, body, "CT"))
    segmentation = node.GetSegmentation()
    names = [segmentation.GetNthSegment(index).GetName() for index in range(segmentation.GetNumberOfSegments())]
    assert names == ["Right kidney", "Left kidney"]
    assert segmentation.GetNthSegment(0).GetColor() != segmentation.GetNthSegment(1).GetColor()
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    for index, side in enumerate(("Right", "Left")):
        entry, text = slicer.vtkSlicerTerminologyEntry(), vtk.reference("")
        segmentation.GetNthSegment(index).GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
        assert logic.DeserializeTerminologyEntry(str(text), entry)
        assert entry.GetTypeObject().GetCodeMeaning() == "Kidney"
        assert entry.GetTypeObject().GetCodeValue() == "64033007"
        assert entry.GetTypeModifierObject().GetCodeMeaning() == side
        assert entry.GetCategoryObject().GetCodeMeaning() == "Anatomical Structure"
    assert set(segment_ids(node)) == {"right", "left"}


def _renamed(scene: Scene, names: tuple[str, ...], labels: sitk.Image) -> Node:
    """A segmentation by another tool: segments by value, without terminology."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "by another tool")
    node.CreateDefaultDisplayNodes()
    source = node_from_image(scene, labels, "labels", label=True)
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(source, node)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == len(names)
    for index in range(len(names)):
        segment = segmentation.GetNthSegment(index)
        segment.SetName(names[segment.GetLabelValue() - 1])
        segment.RemoveTag(slicer.vtkSegment.GetTerminologyEntryTagName())
    return node


@pytest.mark.parametrize(
    "names",
    [
        ("kidney_right", "kidney_left"),
        ("RIGHT KIDNEY", "Left Kidney"),
        ("Niere rechts", "Niere links"),
        ("kidney R", "kidney L"),
    ],
)
def test_kidneys_of_other_tools_are_known_by_name(scene: Scene, body: sitk.Image, names: tuple[str, str]) -> None:
    labels = _kidneys(body)
    values = _array(labels)
    values[0:2, 0:2, 0:2], values[6:8, 8:10, 20:22] = 3, 4
    others = sitk.GetImageFromArray(values)
    others.CopyInformation(labels)
    node = _renamed(scene, (*names, "liver", "kidney_cyst_left"), others)
    back = labels_from_segmentation(node, node_from_image(scene, body, "CT"))
    np.testing.assert_array_equal(_array(back), _array(labels))


def test_terminology_counts_where_the_name_says_nothing(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    labels = _kidneys(body)
    node = segmentation_from_labels(scene, labels, "kidneys", reference)
    for index in range(2):
        node.GetSegmentation().GetNthSegment(index).SetName(f"Segment_{index + 1}")
    np.testing.assert_array_equal(_array(labels_from_segmentation(node, reference)), _array(labels))


def test_one_segment_for_both_kidneys_is_told_apart_by_position(scene: Scene) -> None:
    body = _body()
    labels = _kidneys(body)
    node = _renamed(scene, ("kidneys",), sitk.Cast(labels > 0, sitk.sitkUInt8))
    back = labels_from_segmentation(node, node_from_image(scene, body, "CT"))
    np.testing.assert_array_equal(_array(back), _array(labels))
    assert segment_ids(node) == {}


def _turn(scene: Scene, shift: tuple[float, float, float]) -> Node:
    transform = vtk.vtkTransform()
    transform.Translate(*shift)
    transform.RotateZ(17)
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(transform.GetMatrix())
    return node


def test_a_transform_above_volume_and_segmentation_changes_nothing_between_them(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", reference)
    transform = _turn(scene, (10, -4, 7))
    for one in (reference, node):
        one.SetAndObserveTransformNodeID(transform.GetID())
    back = labels_from_segmentation(node, reference)
    assert back.GetOrigin() == image_from_node(reference).GetOrigin()
    np.testing.assert_array_equal(_array(back), _array(_kidneys(body)))


def test_a_transform_above_the_segmentation_alone_moves_the_kidneys(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", reference)
    shift = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 6.0)
    shift.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(shift.GetID())
    expected = np.roll(_array(_kidneys(body)), 2, axis=0)
    np.testing.assert_array_equal(_array(labels_from_segmentation(node, reference)), expected)


def test_a_segmentation_of_surfaces_is_voxelized_and_stays_as_it_is(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surfaces")
    node.SetSourceRepresentationToClosedSurface()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(9.0)
    sphere.SetThetaResolution(40)
    sphere.SetPhiResolution(40)
    sphere.SetCenter(20.0, 0.0, 0.0)
    sphere.Update()
    node.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "right kidney")
    back = labels_from_segmentation(node, reference)
    volume = np.count_nonzero(_array(back) == 1) * np.prod(body.GetSpacing())
    assert volume == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.1)
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")


def test_an_update_replaces_the_segments_of_the_node(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", reference)
    only_left = sitk.Cast((_kidneys(body) == 2) * 2, sitk.sitkUInt8)
    attach_segments(prepare_segments(only_left), node, reference)
    assert set(segment_ids(node)) == {"left"}


def test_kidneys_are_drawn_where_they_lie_alone(
    scene: Scene, body: sitk.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the voxels of the volume are copied, nor is a kidney brought onto all of its grid."""
    reference = node_from_image(scene, body, "CT")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", reference)
    copied, drawn = [], []

    def image_from_vtk(*arguments: Any) -> sitk.Image:
        copied.append(images.image_from_vtk(*arguments))
        return copied[-1]

    def resample(image: sitk.Image, grid: sitk.Image, **options: Any) -> sitk.Image:
        drawn.append(grid)
        return grids.resample(image, grid, **options)

    monkeypatch.setattr(segmentations, "image_from_vtk", image_from_vtk)
    monkeypatch.setattr(segmentations, "resample", resample)
    labels_from_segmentation(node, reference)
    assert len(copied) == len(drawn) == 2
    for image in (*copied, *drawn):
        assert image.GetNumberOfPixels() <= (8 + 2) * (6 + 2) * (6 + 2)


def test_a_kidney_that_the_volume_cuts_is_drawn_as_far_as_it_goes(scene: Scene, body: sitk.Image) -> None:
    whole = node_from_image(scene, body, "whole")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", whole)
    cut = body[8:31, 10:, :9]
    back = labels_from_segmentation(node, node_from_image(scene, cut, "cut"))
    np.testing.assert_array_equal(_array(back), _array(_kidneys(body)[8:31, 10:, :9]))


def test_what_is_written_is_what_a_run_reads(scene: Scene, tmp_path: Path) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = segmentation_from_labels(scene, _kidneys(body), "kidneys", reference)
    kidneys_writer(node, reference, tmp_path / "kidneys.nrrd")()
    labels, warnings = read_kidneys(tmp_path / "kidneys.nrrd", body)
    assert not warnings
    np.testing.assert_array_equal(_array(labels), _array(_kidneys(body)))


def test_what_has_no_kidney_in_the_volume_is_refused(scene: Scene) -> None:
    body = _body()
    reference = node_from_image(scene, body, "CT")
    node = _renamed(scene, ("liver", "spleen"), _kidneys(body))
    with pytest.raises(NoKidneyError, match="by another tool"):
        labels_from_segmentation(node, reference)
    elsewhere = sitk.Image(body)
    elsewhere.SetOrigin((900.0, 900.0, 900.0))
    node = segmentation_from_labels(scene, _kidneys(elsewhere), "kidneys", reference)
    with pytest.raises(GeometryError, match="do not lie in the volume 'CT'"):
        labels_from_segmentation(node, reference)
