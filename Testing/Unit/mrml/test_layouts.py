"""Layouts show the right volume in the right view."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.layouts import LAYOUTS, PLOT_VIEW, register_layouts, restore_layout, show_layout
from NephroSynthLib.mrml.views import (
    composite,
    composites,
    fit_views,
    sight,
    slice_nodes,
    slice_views,
)

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_each_view_shows_the_volume_of_its_cell(
    scene: Scene, layout: Node, four_volumes: list[Node], name: str
) -> None:
    show_layout(scene, name, four_volumes)
    assert layout.GetViewArrangement() == LAYOUTS[name].id
    assert slice_views(scene) == list(LAYOUTS[name].views)
    assert len(slice_nodes(scene)) == len(LAYOUTS[name].views)
    for cell, views in enumerate(LAYOUTS[name].cells):
        for view in views:
            assert composite(scene, view).GetBackgroundVolumeID() == four_volumes[cell].GetID()
            assert composite(scene, view).GetForegroundVolumeID() is None
            assert composite(scene, view).GetLinkedControl()


def test_three_planes_are_three_planes(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "three-planes", four_volumes[2:])
    assert [node.GetOrientation() for node in slice_nodes(scene)] == ["Axial", "Coronal", "Sagittal"] * 2


def test_the_plot_layout_has_a_plot_view(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "plots", four_volumes[2:])
    assert scene.GetSingletonNode(PLOT_VIEW, "vtkMRMLPlotViewNode") is not None


def test_another_layout_looks_where_the_one_before_did(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", four_volumes)
    fit_views(scene, four_volumes[0])
    first, second = slice_nodes(scene)
    for node in (first, second):
        node.JumpSliceByCentering(12.0, -7.0, 21.0)
        node.SetFieldOfView(40.0, 40.0, 1.0)
    second.JumpSliceByOffsetting(12.0, -7.0, 30.0)
    for name in ("two-by-two", "three-planes", "plots"):
        assert show_layout(scene, name, four_volumes)
        seen = [sight(node) for node in slice_nodes(scene)]
        assert {round(one.side_mm) for one in seen} == {40}
        others = [one for node, one in zip(slice_nodes(scene), seen, strict=True) if node is not second]
        for one in others:
            np.testing.assert_allclose(one.middle, (12.0, -7.0, 21.0), atol=1e-6)
        assert sight(second).middle[2] == pytest.approx(30.0)  # it is not linked, and was shown before
    restore_layout(scene)
    for node in slice_nodes(scene):
        np.testing.assert_allclose(sight(node).middle, (12.0, -7.0, 21.0), atol=1e-6)


def test_a_layout_that_is_there_already_moves_nothing(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    assert show_layout(scene, "side-by-side", four_volumes)
    slice_nodes(scene)[0].JumpSliceByCentering(12.0, -7.0, 21.0)
    before = [sight(node) for node in slice_nodes(scene)]
    assert not show_layout(scene, "side-by-side", four_volumes[1:])
    assert [sight(node) for node in slice_nodes(scene)] == before


def test_a_cell_without_a_volume_stays_empty(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "two-by-two", four_volumes)
    show_layout(scene, "two-by-two", [four_volumes[0], None, four_volumes[2]])
    shown = [node.GetBackgroundVolumeID() for node in composites(scene)]
    assert shown == [four_volumes[0].GetID(), None, four_volumes[2].GetID(), None]


def test_the_layout_before_comes_back(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    for name in ("side-by-side", "two-by-two"):
        show_layout(scene, name, four_volumes)
    restore_layout(scene)
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert sorted(slice_views(scene)) == ["Green", "Red", "Yellow"]


def test_registering_twice_changes_nothing(scene: Scene, layout: Node) -> None:
    register_layouts(scene)
    xml = layout.GetLayoutDescription(LAYOUTS["side-by-side"].id)
    register_layouts(scene)
    assert layout.GetLayoutDescription(LAYOUTS["side-by-side"].id) == xml


def test_an_unknown_layout_and_a_scene_without_views_are_refused(scene: Scene, four_volumes: list[Node]) -> None:
    with pytest.raises(UsageError, match="side-by-side"):
        show_layout(scene, "fourfold", four_volumes)
    with pytest.raises(UsageError, match="no layout"):
        show_layout(scene, "side-by-side", four_volumes)


def test_a_scene_that_was_closed_in_a_layout_goes_back_to_the_usual_one(scene: Scene, layout: Node) -> None:
    show_layout(scene, "side-by-side", [])
    for name in list(layout.GetAttributeNames()):
        layout.RemoveAttribute(name)
    restore_layout(scene)
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
