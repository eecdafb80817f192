"""Volumes that are made to compare two others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.mrml.comparison import (
    DIFFERENCE_HU,
    HIDDEN_HU,
    checkerboard,
    difference,
    round_top,
    uncertainty_overlay,
)
from NephroSynthLib.mrml.display import (
    show_volume,
)
from NephroSynthLib.mrml.views import composites
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image
from NephroSynthLib.session.steps import finish

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


def _array(node: Node) -> np.ndarray:
    return sitk.GetArrayFromImage(image_from_node(node))


def test_the_difference_is_synthetic_less_acquired(scene: Scene, pair: tuple[Node, Node], kidneys: sitk.Image) -> None:
    node = finish(difference(scene, *pair, "difference"))()
    labels = sitk.GetArrayFromImage(kidneys)
    wanted = np.select([labels == 1, labels == 2], [120, 100], HIDDEN_HU)
    np.testing.assert_allclose(_array(node), wanted, atol=1e-3)
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-DIFFERENCE_HU, DIFFERENCE_HU)


def test_a_difference_leaves_out_skin_gas_and_all_outside_of_the_region(scene: Scene) -> None:
    body = np.full((20, 40, 40), -1000.0, np.float32)
    body[:, 8:32, 8:32] = 40.0
    other = body.copy()
    other[other > 0] = 80.0
    body[10, 20, 20] = -900.0  # gas
    nodes = [node_from_image(scene, sitk.GetImageFromArray(values), "a") for values in (body, other)]
    values = _array(finish(difference(scene, *nodes, "difference", region=((0, 0, 5), (40, 16, 10))))())
    seen = np.argwhere(values != HIDDEN_HU)
    assert set(values[values != HIDDEN_HU]) == {-40.0}
    assert seen[:, 0].min() == 5
    assert seen[:, 0].max() == 14
    assert 10 <= seen[:, 1].min() <= 13  # below the skin
    assert seen[:, 1].max() == 15
    assert values[10, 20, 20] == HIDDEN_HU


def test_a_round_top_has_round_quarters() -> None:
    assert [round_top(value) for value in (0.9, 4.0, 12.5, 20.1, 41.0)] == [pytest.approx(2.0), 4.0, 20.0, 40.0, 80.0]


def test_a_second_difference_updates_its_node_and_shares_the_colours(scene: Scene, pair: tuple[Node, Node]) -> None:
    node = finish(difference(scene, *pair, "difference"))()
    nodes = scene.GetNumberOfNodes()
    assert finish(difference(scene, *reversed(pair), "difference", node))() is node
    assert scene.GetNumberOfNodes() == nodes
    values = _array(node)
    assert values[values != HIDDEN_HU].min() == pytest.approx(-120, abs=1e-3)


def test_a_difference_is_taken_where_the_volumes_lie_in_the_world(
    scene: Scene, pair: tuple[Node, Node], ct: sitk.Image
) -> None:
    cropped = node_from_image(scene, ct[5:, 4:, 3:], "cropped")
    node = finish(difference(scene, pair[1], cropped, "difference"))()
    assert (_array(node) == HIDDEN_HU).all()


def test_a_checkerboard_alternates(scene: Scene, ct: sitk.Image) -> None:
    first, second = node_from_image(scene, ct * 0 + 10, "a"), node_from_image(scene, ct * 0 + 20, "b")
    values = _array(finish(checkerboard(scene, first, second, 4, "checkerboard"))())
    assert set(np.unique(values)) == {10, 20}
    assert 0.4 < np.mean(values == 10) < 0.6
    assert values[0, 0, 0] == 10
    row = values[0, 0]
    assert np.count_nonzero(np.diff(row)) == 3
    for axis in range(3):
        assert np.count_nonzero(np.diff(values, axis=axis)) > 0


def test_a_checkerboard_needs_volumes_that_overlap(scene: Scene, ct: sitk.Image, pair: tuple[Node, Node]) -> None:
    far = sitk.Image(ct)
    far.SetOrigin((5000.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="do not overlap"):
        finish(checkerboard(scene, pair[0], node_from_image(scene, far, "far"), 4, "x"))()
    with pytest.raises(GeometryError, match="tiles"):
        finish(checkerboard(scene, *pair, 1, "x"))()


def test_uncertainty_lies_in_colours_over_the_volume(
    scene: Scene, layout: Node, pair: tuple[Node, Node], kidneys: sitk.Image
) -> None:
    uncertainty = node_from_image(scene, sitk.Cast(kidneys > 0, sitk.sitkFloat32) * 12.5, "uncertainty")
    uncertainty_overlay(scene, pair[0], uncertainty, 0.4)
    display = uncertainty.GetDisplayNode()
    assert display.GetWindowLevelMax() == 20.0  # the labels are then 0, 5, 10, 15 and 20
    assert display.GetApplyThreshold()
    assert 0 < display.GetLowerThreshold() < 12.5 <= display.GetUpperThreshold()
    assert display.GetColorNode().GetName() == "NephroSynth uncertainty"
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(uncertainty) is not None
    for node in composites(scene):
        assert node.GetForegroundVolumeID() == uncertainty.GetID()
        assert node.GetForegroundOpacity() == pytest.approx(0.4)


def test_where_the_synthetic_phase_is_brighter_the_view_is_red(
    scene: Scene, pair: tuple[Node, Node], seen: Callable[[], np.ndarray]
) -> None:
    show_volume(scene, finish(difference(scene, *pair, "difference"))())
    red, _, blue = seen()
    assert red > blue + 50
    show_volume(scene, finish(difference(scene, *reversed(pair), "the other way"))())
    red, _, blue = seen()
    assert blue > red + 50
