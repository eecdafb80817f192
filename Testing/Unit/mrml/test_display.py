"""Windows, overlays and kidneys in views."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from kidney_nodes import segmentation_from_labels

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.mrml.display import (
    has_outlines,
    has_surfaces,
    kidney_centre,
    overlay,
    set_ct_window,
    set_foreground_opacity,
    show_outlines,
    show_surfaces,
    show_volume,
)
from NephroSynthLib.mrml.views import composites

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


def test_a_ct_is_shown_in_the_window_400_50(pair: tuple[Node, Node]) -> None:
    set_ct_window(pair[0])
    display = pair[0].GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-150, 250)
    assert not display.GetAutoWindowLevel()


def test_one_volume_lies_over_another_and_fades(scene: Scene, layout: Node, pair: tuple[Node, Node]) -> None:
    overlay(scene, *pair, 0.3)
    for node in composites(scene):
        assert (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) == tuple(one.GetID() for one in pair)
        assert node.GetForegroundOpacity() == pytest.approx(0.3)
    set_foreground_opacity(scene, 1.0)
    assert {node.GetForegroundOpacity() for node in composites(scene)} == {1.0}
    show_volume(scene, pair[1])
    assert {(node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) for node in composites(scene)} == {
        (pair[1].GetID(), None)
    }


@pytest.mark.parametrize(("side", "label"), [("right", 1), ("left", 2)])
def test_the_middle_of_a_kidney_is_where_it_is(scene: Scene, kidneys: sitk.Image, side: str, label: int) -> None:
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(kidneys)
    left, posterior, superior = statistics.GetCentroid(label)
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    np.testing.assert_allclose(kidney_centre(node, side), (-left, -posterior, superior), atol=1e-3)
    shift = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 25.0)
    shift.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(shift.GetID())
    np.testing.assert_allclose(kidney_centre(node, side), (-left, -posterior, superior + 25), atol=1e-3)


def test_a_kidney_that_is_not_there_has_no_middle(scene: Scene, kidneys: sitk.Image) -> None:
    node = segmentation_from_labels(scene, sitk.Cast(kidneys == 1, sitk.sitkUInt8), "kidneys", None)
    assert kidney_centre(node, "left") is None


@pytest.mark.parametrize("hidden", [False, True])
def test_outlines_and_surfaces_are_shown_and_hidden_each_for_itself(
    scene: Scene, kidneys: sitk.Image, hidden: bool
) -> None:
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    display = node.GetDisplayNode()
    for outlines, surfaces in [(True, False), (False, False), (False, True), (True, True), (True, False)]:
        if hidden:
            display.SetVisibility(False)
        show_outlines(node, outlines)
        show_surfaces(node, surfaces)
        assert (has_outlines(node), has_surfaces(node)) == (outlines, surfaces)


def test_one_part_of_hidden_kidneys_does_not_bring_the_other_back(scene: Scene, kidneys: sitk.Image) -> None:
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    for show, other in ((show_outlines, has_surfaces), (show_surfaces, has_outlines)):
        show_outlines(node, True)
        show_surfaces(node, True)
        node.GetDisplayNode().SetVisibility(False)
        show(node, True)
        assert not other(node)


def test_slicers_own_button_still_shows_surfaces_of_kidneys_that_were_hidden(scene: Scene, kidneys: sitk.Image) -> None:
    """It makes them, and leaves the visibility as it is."""
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    node.GetDisplayNode().SetVisibility(False)
    show_outlines(node, True)
    assert not has_surfaces(node)
    node.CreateClosedSurfaceRepresentation()
    assert has_surfaces(node)


def test_hiding_what_is_hidden_changes_nothing(scene: Scene, kidneys: sitk.Image) -> None:
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    node.GetDisplayNode().SetVisibility(False)
    show_outlines(node, False)
    node.GetDisplayNode().SetVisibility(True)
    assert has_outlines(node)


def test_surfaces_that_cannot_be_made_are_an_error(
    scene: Scene, kidneys: sitk.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = segmentation_from_labels(scene, kidneys, "kidneys", None)
    monkeypatch.setattr(node, "CreateClosedSurfaceRepresentation", lambda: False, raising=False)
    with pytest.raises(GeometryError, match="No surface"):
        show_surfaces(node, True)
    assert not has_surfaces(node)


def test_the_view_shows_grey_of_the_window_and_fades(
    scene: Scene, pair: tuple[Node, Node], seen: Callable[[], np.ndarray]
) -> None:
    for node in pair:
        set_ct_window(node)
    show_volume(scene, pair[0])
    bright = seen()
    assert np.ptp(bright) < 1
    assert bright[0] == pytest.approx(255 * (160 + 150) / 400, abs=15)
    show_volume(scene, pair[1])
    dark = seen()
    assert dark[0] == pytest.approx(255 * (40 + 150) / 400, abs=15)
    overlay(scene, pair[1], pair[0], 0.5)
    np.testing.assert_allclose(seen(), (bright + dark) / 2, atol=2)
