"""Layouts show the right volume in the right view."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.display import show_volume
from NephroSynthLib.mrml.layouts import LAYOUTS, PLOT_VIEW, register_layouts, restore_layout, show_layout
from NephroSynthLib.mrml.views import (
    centre_on,
    composite,
    composites,
    fit_views,
    link_slices,
    look,
    sight,
    slice_nodes,
    slice_views,
)
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture
def volumes(scene: Scene, ct: sitk.Image) -> list[Node]:
    return [node_from_image(scene, ct, name) for name in ("non-contrast", "excretory", "synthetic", "acquired")]


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_each_view_shows_the_volume_of_its_cell(scene: Scene, layout: Node, volumes: list[Node], name: str) -> None:
    show_layout(scene, name, volumes)
    assert layout.GetViewArrangement() == LAYOUTS[name].id
    assert slice_views(scene) == list(LAYOUTS[name].views)
    assert len(slice_nodes(scene)) == len(LAYOUTS[name].views)
    for cell, views in enumerate(LAYOUTS[name].cells):
        for view in views:
            assert composite(scene, view).GetBackgroundVolumeID() == volumes[cell].GetID()
            assert composite(scene, view).GetForegroundVolumeID() is None
            assert composite(scene, view).GetLinkedControl()


def test_three_planes_are_three_planes(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "three-planes", volumes[2:])
    assert [node.GetOrientation() for node in slice_nodes(scene)] == ["Axial", "Coronal", "Sagittal"] * 2


def test_the_plot_layout_has_a_plot_view(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "plots", volumes[2:])
    assert scene.GetSingletonNode(PLOT_VIEW, "vtkMRMLPlotViewNode") is not None


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_volume_is_shown_whole(scene: Scene, layout: Node, volumes: list[Node], name: str) -> None:
    show_layout(scene, name, volumes)
    fit_views(scene, volumes[0])
    bounds = [0.0] * 6
    volumes[0].GetRASBounds(bounds)
    for node in slice_nodes(scene):
        to_slice = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetSliceToRAS(), to_slice)
        seen = [0.0] * 6
        volumes[0].GetSliceBounds(seen, to_slice)
        width, height, _ = node.GetFieldOfView()
        assert max(abs(seen[0]), abs(seen[1])) <= width / 2 * 1.001
        assert max(abs(seen[2]), abs(seen[3])) <= height / 2 * 1.001
        assert max(seen[1] - seen[0], seen[3] - seen[2]) >= 0.99 * min(width, height)
        assert seen[4] < 0 < seen[5]


def test_another_layout_looks_where_the_one_before_did(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", volumes)
    fit_views(scene, volumes[0])
    first, second = slice_nodes(scene)
    for node in (first, second):
        node.JumpSliceByCentering(12.0, -7.0, 21.0)
        node.SetFieldOfView(40.0, 40.0, 1.0)
    second.JumpSliceByOffsetting(12.0, -7.0, 30.0)
    for name in ("two-by-two", "three-planes", "plots"):
        assert show_layout(scene, name, volumes)
        seen = [sight(node) for node in slice_nodes(scene)]
        assert {round(one.side_mm) for one in seen} == {40}
        others = [one for node, one in zip(slice_nodes(scene), seen, strict=True) if node is not second]
        for one in others:
            np.testing.assert_allclose(one.middle, (12.0, -7.0, 21.0), atol=1e-6)
        assert sight(second).middle[2] == pytest.approx(30.0)  # it is not linked, and was shown before
    restore_layout(scene)
    for node in slice_nodes(scene):
        np.testing.assert_allclose(sight(node).middle, (12.0, -7.0, 21.0), atol=1e-6)


def test_a_panned_view_is_seen_where_it_is_and_looked_at_again(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "three-planes", volumes)
    fit_views(scene, volumes[0])
    for node in slice_nodes(scene):
        node.SetSliceOrigin(30.0, -20.0, 0.0)
        before = _centre(node)
        seen = sight(node)
        np.testing.assert_allclose(seen.middle, before, atol=1e-6)
        fit_views(scene, volumes[0])
        look(node, seen)
        np.testing.assert_allclose(_centre(node), before, atol=1e-6)


def _centre(node: Node) -> tuple[float, ...]:
    columns, rows, _ = node.GetDimensions()
    return node.GetXYToRAS().MultiplyPoint((columns / 2, rows / 2, 0.0, 1.0))[:3]


def test_a_layout_that_is_there_already_moves_nothing(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    assert show_layout(scene, "side-by-side", volumes)
    slice_nodes(scene)[0].JumpSliceByCentering(12.0, -7.0, 21.0)
    before = [sight(node) for node in slice_nodes(scene)]
    assert not show_layout(scene, "side-by-side", volumes[1:])
    assert [sight(node) for node in slice_nodes(scene)] == before


def test_a_cell_without_a_volume_stays_empty(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "two-by-two", volumes)
    show_layout(scene, "two-by-two", [volumes[0], None, volumes[2]])
    shown = [node.GetBackgroundVolumeID() for node in composites(scene)]
    assert shown == [volumes[0].GetID(), None, volumes[2].GetID(), None]


def test_the_layout_before_comes_back(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    for name in ("side-by-side", "two-by-two"):
        show_layout(scene, name, volumes)
    restore_layout(scene)
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert slice_views(scene) == ["Red", "Yellow", "Green"] or set(slice_views(scene)) == {"Red", "Yellow", "Green"}


def test_registering_twice_changes_nothing(scene: Scene, layout: Node) -> None:
    register_layouts(scene)
    xml = layout.GetLayoutDescription(LAYOUTS["side-by-side"].id)
    register_layouts(scene)
    assert layout.GetLayoutDescription(LAYOUTS["side-by-side"].id) == xml


def test_all_views_go_to_a_point(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "three-planes", volumes)
    centre_on(scene, (12.0, -7.0, 21.0))
    for node in slice_nodes(scene):
        middle = [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
        np.testing.assert_allclose(middle, (12.0, -7.0, 21.0), atol=1e-6)


def test_links_are_made_and_taken_back(scene: Scene, layout: Node, volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", volumes)
    for on in (True, False):
        link_slices(scene, on)
        assert [(node.GetLinkedControl(), node.GetHotLinkedControl()) for node in composites(scene)] == [(on, on)] * 2


@pytest.fixture
def link_logic(scene: Scene) -> Iterator[object]:
    logic = slicer.vtkMRMLSliceLinkLogic()
    logic.SetMRMLScene(scene)
    yield logic
    logic.SetMRMLScene(None)


def test_linked_views_zoom_together(scene: Scene, layout: Node, link_logic: object, volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", volumes)
    nodes = slice_nodes(scene)
    for node in nodes:
        node.SetMappedInLayout(1)
    flag = slicer.vtkMRMLSliceNode.FieldOfViewFlag
    nodes[0].SetInteractionFlags(flag)
    nodes[0].InteractingOn()
    nodes[0].SetFieldOfView(50.0, 50.0, 1.0)
    nodes[0].InteractingOff()
    assert nodes[1].GetFieldOfView()[0] == pytest.approx(50.0)


def test_an_unknown_layout_and_a_scene_without_views_are_refused(scene: Scene, volumes: list[Node]) -> None:
    with pytest.raises(UsageError, match="side-by-side"):
        show_layout(scene, "fourfold", volumes)
    with pytest.raises(UsageError, match="no layout"):
        show_layout(scene, "side-by-side", volumes)


def test_where_no_window_shows_the_scene_nothing_has_to_be_shown(scene: Scene, volumes: list[Node]) -> None:
    assert slice_views(scene) == []
    show_volume(scene, volumes[0])
    fit_views(scene, volumes[0])


def test_a_scene_that_was_closed_in_a_layout_goes_back_to_the_usual_one(scene: Scene, layout: Node) -> None:
    show_layout(scene, "side-by-side", [])
    for name in list(layout.GetAttributeNames()):
        layout.RemoveAttribute(name)
    restore_layout(scene)
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
