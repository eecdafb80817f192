"""The nodes of a run, found from its synthetic volume."""

from __future__ import annotations

from typing import Any

import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.mrml.provenance import set_provenance
from NephroSynthLib.mrml.run_nodes import ROLE, ROLES, SYNTHETIC, RunNodes, run_nodes
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture
def run(pair: tuple[Node, Node]) -> RunNodes:
    pair[0].SetAttribute(ROLE, SYNTHETIC)
    found = run_nodes(pair[0])
    assert found is not None
    return found


def test_only_the_synthetic_volume_of_a_run_has_a_run(pair: tuple[Node, Node], run: RunNodes) -> None:
    assert run.synthetic is pair[0]
    assert run_nodes(pair[1]) is None
    assert run_nodes(None) is None


def test_a_node_is_remembered_until_it_is_removed(scene: Scene, pair: tuple[Node, Node], run: RunNodes) -> None:
    assert {getattr(run, role) for role in ROLES} == {None}
    run.remember("acquired", pair[1])
    assert run.acquired is pair[1]
    run.remember("acquired", None)
    assert run.acquired is None
    run.remember("acquired", pair[1])
    scene.RemoveNode(pair[1])
    assert run.acquired is None


def test_the_reference_is_the_acquired_phase_or_else_the_registered_one(
    scene: Scene, ct: sitk.Image, pair: tuple[Node, Node], run: RunNodes
) -> None:
    registered = node_from_image(scene, ct, "registered")
    assert run.reference is None
    run.remember("registered", registered)
    assert run.reference is registered
    run.remember("acquired", pair[1])
    assert run.reference is pair[1]
    assert list(run.aligned.values()) == [registered, pair[0], pair[1]]


def test_a_new_node_lies_beside_the_synthetic_volume(scene: Scene, pair: tuple[Node, Node], run: RunNodes) -> None:
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = tree.CreateStudyItem(tree.CreateSubjectItem(tree.GetSceneItemID(), "patient"), "study")
    tree.CreateItem(study, run.synthetic)
    run.add("difference", pair[1])
    assert tree.GetItemParent(tree.GetItemByDataNode(pair[1])) == study
    tree.SetItemParent(tree.GetItemByDataNode(pair[1]), tree.GetSceneItemID())
    run.add("difference", pair[1])
    assert tree.GetItemParent(tree.GetItemByDataNode(pair[1])) == tree.GetSceneItemID(), "the user moved it"


def test_the_summary_is_that_of_the_run(run: RunNodes, summary: dict[str, Any]) -> None:
    assert run.summary == {}
    set_provenance(run.synthetic, summary)
    assert run.summary == summary


def test_a_role_that_does_not_exist_is_no_attribute(run: RunNodes) -> None:
    with pytest.raises(AttributeError):
        _ = run.synthetik
