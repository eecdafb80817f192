"""Windows, overlays, kidneys in view, and volumes made for comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.mrml.comparison import DIFFERENCE_HU, checkerboard, difference, show_legend, uncertainty_overlay
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
from NephroSynthLib.mrml.segmentation_nodes import segmentation_from_labels
from NephroSynthLib.mrml.views import centre_on, composite, composites
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture
def pair(scene: Scene, ct: sitk.Image, synthetic: sitk.Image) -> tuple[Node, Node]:
    return node_from_image(scene, synthetic, "synthetic"), node_from_image(scene, ct, "acquired")


def _array(node: Node) -> np.ndarray:
    return sitk.GetArrayFromImage(image_from_node(node))


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


def test_the_difference_is_synthetic_less_acquired(scene: Scene, pair: tuple[Node, Node], kidneys: sitk.Image) -> None:
    node = difference(scene, *pair, "difference")
    labels = sitk.GetArrayFromImage(kidneys)
    np.testing.assert_allclose(_array(node), 120 * (labels == 1) + 100 * (labels == 2), atol=1e-3)
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-DIFFERENCE_HU, DIFFERENCE_HU)


def test_its_colours_diverge_from_white_to_blue_below_and_red_above(scene: Scene, pair: tuple[Node, Node]) -> None:
    node = difference(scene, *pair, "difference")
    table = node.GetDisplayNode().GetColorNode().GetLookupTable()
    low, middle, high = (table.GetTableValue(index)[:3] for index in (0, 128, 255))
    assert low[2] > low[0] + 0.2
    assert high[0] > high[2] + 0.2
    assert min(middle) > 0.9
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert legend.GetVisibility()
    assert "synthetic" in legend.GetTitleText()
    assert "HU" in legend.GetTitleText()
    show_legend(node, False)
    assert not legend.GetVisibility()
    show_legend(node, True)
    again = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert again.GetVisibility()
    assert again.GetTitleText() == legend.GetTitleText()
    assert scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1


def test_a_second_difference_updates_its_node_and_shares_the_colours(scene: Scene, pair: tuple[Node, Node]) -> None:
    node = difference(scene, *pair, "difference")
    nodes = scene.GetNumberOfNodes()
    assert difference(scene, *reversed(pair), "difference", node) is node
    assert scene.GetNumberOfNodes() == nodes
    assert _array(node).min() == pytest.approx(-120, abs=1e-3)


def test_a_difference_is_taken_where_the_volumes_lie_in_the_world(
    scene: Scene, pair: tuple[Node, Node], ct: sitk.Image
) -> None:
    cropped = node_from_image(scene, ct[5:, 4:, 3:], "cropped")
    node = difference(scene, pair[1], cropped, "difference")
    assert np.abs(_array(node)).max() < 0.01


def test_a_checkerboard_alternates(scene: Scene, ct: sitk.Image) -> None:
    first, second = node_from_image(scene, ct * 0 + 10, "a"), node_from_image(scene, ct * 0 + 20, "b")
    values = _array(checkerboard(scene, first, second, 4, "checkerboard"))
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
        checkerboard(scene, pair[0], node_from_image(scene, far, "far"), 4, "x")
    with pytest.raises(GeometryError, match="tiles"):
        checkerboard(scene, *pair, 1, "x")


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


@pytest.fixture
def seen(scene: Scene, layout: Node, kidneys: sitk.Image) -> Iterator[Callable[[], np.ndarray]]:
    """Gives the colour (red, green, blue; 0 to 255) that a slice view shows in the middle of the right kidney."""
    node = scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    node.SetDimensions(64, 64, 1)
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceNode(node)
    logic.SetSliceCompositeNode(composite(scene, "Red"))
    segmentation = segmentation_from_labels(scene, kidneys, "kidneys", None)

    def colour() -> np.ndarray:
        centre_on(scene, kidney_centre(segmentation, "right"))
        logic.UpdatePipeline()
        logic.GetBlend().Update()
        return voxels_of_colours(logic.GetBlend().GetOutput())[31:33, 31:33].reshape(-1, 4).mean(axis=0)[:3]

    yield colour
    logic.SetMRMLScene(None)


def voxels_of_colours(image: vtk.vtkImageData) -> np.ndarray:
    columns, rows, _ = image.GetDimensions()
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1).astype(float)


def test_where_the_synthetic_phase_is_brighter_the_view_is_red(
    scene: Scene, pair: tuple[Node, Node], seen: Callable[[], np.ndarray]
) -> None:
    show_volume(scene, difference(scene, *pair, "difference"))
    red, _, blue = seen()
    assert red > blue + 50
    show_volume(scene, difference(scene, *reversed(pair), "the other way"))
    red, _, blue = seen()
    assert blue > red + 50


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
