"""Volumes that are made to compare two others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.mrml.comparison import DIFFERENCE_HU, checkerboard, difference, uncertainty_overlay
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
    np.testing.assert_allclose(_array(node), 120 * (labels == 1) + 100 * (labels == 2), atol=1e-3)
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-DIFFERENCE_HU, DIFFERENCE_HU)


def test_a_second_difference_updates_its_node_and_shares_the_colours(scene: Scene, pair: tuple[Node, Node]) -> None:
    node = finish(difference(scene, *pair, "difference"))()
    nodes = scene.GetNumberOfNodes()
    assert finish(difference(scene, *reversed(pair), "difference", node))() is node
    assert scene.GetNumberOfNodes() == nodes
    assert _array(node).min() == pytest.approx(-120, abs=1e-3)


def test_a_difference_is_taken_where_the_volumes_lie_in_the_world(
    scene: Scene, pair: tuple[Node, Node], ct: sitk.Image
) -> None:
    cropped = node_from_image(scene, ct[5:, 4:, 3:], "cropped")
    node = finish(difference(scene, pair[1], cropped, "difference"))()
    assert np.abs(_array(node)).max() < 0.01


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
    assert display.GetWindowLevelMax() == pytest.approx(12.5)
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
