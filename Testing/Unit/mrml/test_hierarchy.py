"""Places in the subject hierarchy."""

from __future__ import annotations

import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


@pytest.fixture
def tree(scene: Scene) -> Node:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


@pytest.fixture
def volumes(scene: Scene, ct: sitk.Image) -> tuple[Node, Node]:
    return node_from_image(scene, ct, "native"), node_from_image(scene, ct, "synthetic")


def test_a_result_goes_into_the_study_of_its_input(scene: Scene, tree: Node, volumes: tuple[Node, Node]) -> None:
    patient = tree.CreateSubjectItem(tree.GetSceneItemID(), "patient")
    study = tree.CreateStudyItem(patient, "study")
    tree.CreateItem(study, volumes[0])
    place_beside(volumes[1], volumes[0])
    assert tree.GetItemParent(tree.GetItemByDataNode(volumes[1])) == study


def test_an_input_outside_any_study_keeps_its_result_outside(tree: Node, volumes: tuple[Node, Node]) -> None:
    place_beside(volumes[1], volumes[0])
    assert tree.GetItemParent(tree.GetItemByDataNode(volumes[1])) == tree.GetSceneItemID()


def test_a_node_outside_a_scene_has_no_place(volumes: tuple[Node, Node]) -> None:
    with pytest.raises(ValueError, match="in no scene"):
        place_beside(slicer.vtkMRMLScalarVolumeNode(), volumes[0])
