from __future__ import annotations

import numpy as np
import torch

from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.silhouette import ANGLES, by_direction, outline


def disc(radius: float) -> LabelMap:
    """A cylinder about the z axis in slices 5 to 14 of 20."""
    grid = Grid((20, 81, 81), (1.0, 1.0, 2.0), (-40.0, -40.0, -20.0))
    _, y, x = grid.axes()
    labels = np.zeros(grid.shape, np.uint8)
    labels[5:15, (x[None, :] ** 2 + y[:, None] ** 2) <= radius**2] = 1
    return LabelMap(labels, {"disc": 1}, grid)


def test_the_outline_of_a_disc_is_its_radius_in_every_direction() -> None:
    shape = outline(disc(30.0), ["disc"])
    assert np.isinf(shape.reach[:5]).all()
    assert np.allclose(shape.at(0.0), 30.0, atol=0.7)


def test_the_distance_of_an_outline_is_that_of_the_disc() -> None:
    shape = outline(disc(30.0), ["disc"]).grown(5.0)
    x = torch.tensor([0.0, 20.0, 35.0, 60.0])[None, None, :]
    distance = shape.distance(x, torch.zeros(1, 1, 1), torch.zeros(1, 1, 1)).flatten()
    assert torch.allclose(distance, torch.tensor([-35.0, -15.0, 0.0, 25.0]), atol=0.8)


def test_smoothing_continues_the_outline_where_the_map_shows_nothing() -> None:
    smooth = outline(disc(30.0), ["disc"]).smoothed(4.0)
    assert np.allclose(smooth.reach, 30.0, atol=1.0)


def test_a_union_reaches_as_far_as_the_farther_outline() -> None:
    small, large = (outline(disc(radius), ["disc"]) for radius in (20.0, 30.0))
    assert np.array_equal(small.united(large).reach, large.reach)


def test_thickness_by_direction_meets_its_three_values() -> None:
    values = by_direction(1.0, 2.0, 3.0)
    quarter = len(ANGLES) // 4
    assert np.allclose(values[[3 * quarter, 0, 2 * quarter, quarter]], [1.0, 2.0, 2.0, 3.0])
