from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from grid_indices import to_indices

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_organs import paint_bones, paint_soft_organs, points_inside, region
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue


def half_space() -> LabelMap:
    """A class that fills x < 0 to the ends of the map."""
    grid = Grid((12, 12, 40), (1.5, 1.5, 1.5), (-29.25, -9.0, -9.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[:, :, :20] = 1
    return LabelMap(labels, {"liver": 1}, grid)


def test_the_distance_to_a_plane_is_exact_near_it_and_reaches_beyond_the_map(blank: Callable[[Grid], Canvas]) -> None:
    canvas = blank(Grid((8, 8, 41), (0.5, 4.0, 20.0), (-10.0, -14.0, -70.0)))
    found = region(canvas, half_space(), "liver")
    assert found is not None
    assert found.box.shape[:2] == canvas.grid.shape[:2]
    near = found.box.x.flatten().abs() < 2.5
    assert near.sum() > 8
    assert float((found.distance - found.box.x)[:, :, near].abs().max()) < 0.2


def test_a_class_outside_the_canvas_or_the_map_has_no_region(
    blank: Callable[[Grid], Canvas], toy_label_map: LabelMap
) -> None:
    canvas = blank(Grid((8, 8, 8), (2.0, 2.0, 2.0), (900.0, 0.0, -600.0)))
    assert region(canvas, toy_label_map, "spleen") is None
    assert region(canvas, toy_label_map, "skull") is None


@pytest.fixture(scope="module")
def painted(blank: Callable[[Grid], Canvas], toy_label_map: LabelMap) -> Canvas:
    canvas = blank(toy_label_map.grid)
    paint_soft_organs(canvas, toy_label_map)
    paint_bones(canvas, toy_label_map, np.random.default_rng(0))
    return canvas


@pytest.mark.parametrize(("name", "tissue"), [("liver", Tissue.LIVER), ("spleen", Tissue.SPLEEN)])
def test_painted_organs_have_the_volume_of_their_labels(
    painted: Canvas, toy_label_map: LabelMap, name: str, tissue: Tissue
) -> None:
    assert (painted.labels.numpy() == tissue).sum() == pytest.approx(toy_label_map.mask([name]).sum(), rel=0.05)


def test_discs_fill_the_gaps_between_the_vertebral_bodies(painted: Canvas, toy_label_map: LabelMap) -> None:
    column = painted.labels.numpy()[:, 45, 53]
    l1, l3 = (np.argwhere(toy_label_map.mask([f"vertebrae_{n}"]))[:, 0] for n in ("L1", "L3"))
    assert set(column[l3.min() : l1.max()]) <= {Tissue.CORTICAL_BONE, Tissue.SPONGY_BONE, Tissue.DISC}
    assert (column == Tissue.DISC).sum() >= 4


def test_drawn_points_lie_in_their_class(toy_label_map: LabelMap) -> None:
    points = points_inside(np.random.default_rng(0), toy_label_map, "spleen", 20)
    index = np.round(to_indices(toy_label_map.grid, points)).astype(int)
    assert (toy_label_map.labels[tuple(index.T)] == toy_label_map.classes["spleen"]).all()
    assert not len(points_inside(np.random.default_rng(0), toy_label_map, "skull", 3))
