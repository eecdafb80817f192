"""Volumes that are made to compare two others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from scipy import ndimage
from steps_at_once import finish

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.mrml.comparison import (
    DIFFERENCE_HU,
    HIDDEN_HU,
    checkerboard,
    difference,
    round_top,
    uncertainty_colours,
)
from NephroSynthLib.mrml.display import (
    show_volume,
)
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


def _array(node: Node) -> np.ndarray:
    return sitk.GetArrayFromImage(image_from_node(node))


def test_the_difference_is_synthetic_less_acquired(scene: Scene, pair: tuple[Node, Node], kidneys: sitk.Image) -> None:
    node = finish(difference(scene, *pair, "difference"))()
    labels = sitk.GetArrayFromImage(kidneys)
    values, wanted = _array(node), np.select([labels == 1, labels == 2], [120, 100], 0)
    shown = values != HIDDEN_HU
    np.testing.assert_allclose(values[shown], wanted[shown], atol=1e-3)
    assert shown[labels > 0].all()
    assert not shown[ndimage.distance_transform_edt(labels == 0, kidneys.GetSpacing()[::-1]) > 4.0].any()
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


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.0), (0.8, 0.8, 4.0)])
def test_a_difference_shows_small_real_ones_and_no_noise(scene: Scene, spacing: tuple[float, float, float]) -> None:
    """Noise of 20 HU in each phase; a cube of 4 mm that differs by 60 HU, and a half of the body by 20 HU."""
    shape, depth = (12, 90, 90), 6.0
    noise = np.random.default_rng(3).normal(0, 20, (2, *shape))
    truth = np.zeros(shape)
    truth[:, :, 45:] = 20.0
    z, y, x = (round(4 / step) for step in reversed(spacing))
    cube = (slice(6, 6 + z), slice(40, 40 + y), slice(20, 20 + x))
    truth[cube] = 60.0
    images = [sitk.GetImageFromArray(np.rint(40 + values).astype(np.int16)) for values in (noise[0] + truth, noise[1])]
    for image in images:
        image.SetSpacing(spacing)
    nodes = [node_from_image(scene, image, "a") for image in images]
    values = _array(finish(difference(scene, *nodes, "difference"))())
    inside = ndimage.distance_transform_edt(np.pad(np.ones(shape[1:], bool), 1), spacing[:2])[1:-1, 1:-1] > depth
    away = np.broadcast_to(ndimage.distance_transform_edt(truth == 0, spacing[::-1]) > depth, shape) & inside
    assert np.mean(values[away] != HIDDEN_HU) < 0.02
    half = np.broadcast_to(inside, shape) & (truth == 20.0)
    half[:, :, :50] = False
    assert np.mean(values[half] != HIDDEN_HU) > 0.97
    assert np.mean(values[cube] != HIDDEN_HU) > 0.9
    raw = sitk.GetArrayFromImage(images[0]) - sitk.GetArrayFromImage(images[1])
    shown = values != HIDDEN_HU
    np.testing.assert_array_equal(values[shown], raw[shown])


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


def test_uncertainty_has_colours_with_a_legend_that_suit_its_values(scene: Scene, kidneys: sitk.Image) -> None:
    uncertainty = node_from_image(scene, sitk.Cast(kidneys > 0, sitk.sitkFloat32) * 12.5, "uncertainty")
    assert finish(uncertainty_colours(scene, uncertainty))() is uncertainty
    display = uncertainty.GetDisplayNode()
    assert display.GetWindowLevelMax() == 20.0  # the labels are then 0, 5, 10, 15 and 20
    assert display.GetApplyThreshold()
    assert 0 < display.GetLowerThreshold() < 12.5 <= display.GetUpperThreshold()
    assert display.GetColorNode().GetName() == "NephroSynth uncertainty"
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(uncertainty) is not None


def test_where_the_synthetic_phase_is_brighter_the_view_is_red(
    scene: Scene, pair: tuple[Node, Node], seen: Callable[[], np.ndarray]
) -> None:
    show_volume(scene, finish(difference(scene, *pair, "difference"))())
    red, _, blue = seen()
    assert red > blue + 50
    show_volume(scene, finish(difference(scene, *reversed(pair), "the other way"))())
    red, _, blue = seen()
    assert blue > red + 50
