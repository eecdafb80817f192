"""Slice views show what they are told to, where they are told to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import slicer
import vtk

from NephroSynthLib.mrml.display import show_volume
from NephroSynthLib.mrml.layouts import LAYOUTS, show_layout
from NephroSynthLib.mrml.views import (
    centre_on,
    composites,
    fit_views,
    link_slices,
    look,
    sight,
    slice_nodes,
    slice_views,
)

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_volume_is_shown_whole(scene: Scene, layout: Node, four_volumes: list[Node], name: str) -> None:
    show_layout(scene, name, four_volumes)
    fit_views(scene, four_volumes[0])
    bounds = [0.0] * 6
    four_volumes[0].GetRASBounds(bounds)
    for node in slice_nodes(scene):
        to_slice = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetSliceToRAS(), to_slice)
        seen = [0.0] * 6
        four_volumes[0].GetSliceBounds(seen, to_slice)
        width, height, _ = node.GetFieldOfView()
        assert max(abs(seen[0]), abs(seen[1])) <= width / 2 * 1.001
        assert max(abs(seen[2]), abs(seen[3])) <= height / 2 * 1.001
        assert max(seen[1] - seen[0], seen[3] - seen[2]) >= 0.99 * min(width, height)
        assert seen[4] < 0 < seen[5]


def test_a_panned_view_is_seen_where_it_is_and_looked_at_again(
    scene: Scene, layout: Node, four_volumes: list[Node]
) -> None:
    show_layout(scene, "three-planes", four_volumes)
    fit_views(scene, four_volumes[0])
    for node in slice_nodes(scene):
        node.SetSliceOrigin(30.0, -20.0, 0.0)
        before = _centre(node)
        seen = sight(node)
        np.testing.assert_allclose(seen.middle, before, atol=1e-6)
        fit_views(scene, four_volumes[0])
        look(node, seen)
        np.testing.assert_allclose(_centre(node), before, atol=1e-6)


def _centre(node: Node) -> tuple[float, ...]:
    columns, rows, _ = node.GetDimensions()
    return node.GetXYToRAS().MultiplyPoint((columns / 2, rows / 2, 0.0, 1.0))[:3]


def test_all_views_go_to_a_point(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "three-planes", four_volumes)
    centre_on(scene, (12.0, -7.0, 21.0))
    for node in slice_nodes(scene):
        middle = [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
        np.testing.assert_allclose(middle, (12.0, -7.0, 21.0), atol=1e-6)


def test_links_are_made_and_taken_back(scene: Scene, layout: Node, four_volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", four_volumes)
    for on in (True, False):
        link_slices(scene, on)
        assert [(node.GetLinkedControl(), node.GetHotLinkedControl()) for node in composites(scene)] == [(on, on)] * 2


@pytest.fixture
def link_logic(scene: Scene) -> Iterator[object]:
    logic = slicer.vtkMRMLSliceLinkLogic()
    logic.SetMRMLScene(scene)
    yield logic
    logic.SetMRMLScene(None)


def test_linked_views_zoom_together(scene: Scene, layout: Node, link_logic: object, four_volumes: list[Node]) -> None:
    show_layout(scene, "side-by-side", four_volumes)
    nodes = slice_nodes(scene)
    for node in nodes:
        node.SetMappedInLayout(1)
    flag = slicer.vtkMRMLSliceNode.FieldOfViewFlag
    nodes[0].SetInteractionFlags(flag)
    nodes[0].InteractingOn()
    nodes[0].SetFieldOfView(50.0, 50.0, 1.0)
    nodes[0].InteractingOff()
    assert nodes[1].GetFieldOfView()[0] == pytest.approx(50.0)


def test_where_no_window_shows_the_scene_nothing_has_to_be_shown(scene: Scene, four_volumes: list[Node]) -> None:
    assert slice_views(scene) == []
    show_volume(scene, four_volumes[0])
    fit_views(scene, four_volumes[0])
