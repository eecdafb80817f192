from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from NephroSynthLib.simulation import bowel
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

CONTENTS = (Tissue.BOWEL_FLUID, Tissue.STOOL, Tissue.ORAL_CONTRAST, Tissue.BOWEL_GAS)
GRID = Grid((60, 64, 72), (6.0, 6.0, 9.0), (-213.0, -190.0, -330.0))


@pytest.fixture
def abdomen(blank: Callable[[Grid], Canvas]) -> Canvas:
    """A canvas full of visceral fat, over which bowel may be painted."""
    canvas = blank(GRID)
    canvas.labels[:] = int(Tissue.VISCERAL_FAT)
    return canvas


def test_points_are_pushed_out_of_the_kidneys_and_others_stay(habitus: Habitus) -> None:
    points = np.random.default_rng(0).uniform(-130, 130, (4000, 3))
    for kidney in habitus.kidneys:  # points in the middle of a kidney are pushed only part of the way
        points = points[np.linalg.norm(points - kidney.centre, axis=1) > 20]
    moved = bowel._clear_of_kidneys(points, habitus, 8.0)
    assert (moved != points).any()
    for kidney in habitus.kidneys:
        radii = np.asarray(kidney.half) + 8.0
        assert np.linalg.norm((moved - kidney.centre) @ kidney.rotation / radii, axis=1).min() > 0.99
    far = np.array([[0.0, -100.0, 0.0], [0.0, 0.0, 400.0]])
    np.testing.assert_array_equal(bowel._clear_of_kidneys(far, habitus, 8.0), far)


def test_points_are_pulled_into_the_cavity_and_off_the_spine(habitus: Habitus) -> None:
    points = np.random.default_rng(1).uniform(-300, 300, (4000, 3))
    moved = bowel._within_cavity(points, habitus, 10.0)
    level = (np.abs(moved[:, :2] / np.asarray(habitus.cavity)) ** habitus.power).sum(axis=1)
    assert level.max() <= 1.0
    assert moved[:, 2].min() >= habitus.pelvis.floor
    middle = (np.abs(moved[:, 0]) < 45) & (points[:, 2] > habitus.pelvis.promontory)
    assert moved[middle, 1].max() < habitus.spine_y - habitus.vertebra[1]


@pytest.mark.parametrize("paint", [bowel.paint_colon, bowel.paint_small_bowel, bowel.paint_duodenum])
def test_each_bowel_is_a_wall_around_contents_outside_the_kidneys(
    abdomen: Canvas, habitus: Habitus, paint: Callable[..., None]
) -> None:
    paint(abdomen, habitus, np.random.default_rng(7))
    labels = abdomen.labels.numpy()
    assert (labels == Tissue.BOWEL_WALL).any()
    assert np.isin(labels, CONTENTS).any()
    points = GRID.to_points(np.argwhere(labels != Tissue.VISCERAL_FAT))
    for kidney in habitus.kidneys:
        level = np.linalg.norm((points - kidney.centre) @ kidney.rotation / np.asarray(kidney.half), axis=1)
        assert (level < 0.8).sum() == 0


def test_the_colon_is_one_tube_from_right_to_left_and_down_to_the_rectum(abdomen: Canvas, habitus: Habitus) -> None:
    bowel.paint_colon(abdomen, habitus, np.random.default_rng(2))
    colon = abdomen.labels.numpy() != Tissue.VISCERAL_FAT
    pieces, _ = ndimage.label(colon, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces[pieces > 0])
    assert sizes.max() > 0.98 * sizes.sum()
    points = GRID.to_points(np.argwhere(colon))
    assert points[:, 0].min() < -0.45 * habitus.cavity[0]
    assert points[:, 0].max() > 0.45 * habitus.cavity[0]
    assert points[:, 2].min() < habitus.pelvis.hip[2] + 20


def test_bowel_beside_the_kidneys_comes_close_to_them(abdomen: Canvas, habitus: Habitus) -> None:
    for seed in range(6):
        bowel.paint_bowel_beside_kidneys(abdomen, habitus, np.random.default_rng(seed))
    points = GRID.to_points(np.argwhere(abdomen.labels.numpy() != Tissue.VISCERAL_FAT))
    nearest = min(
        np.linalg.norm((points - kidney.centre) @ kidney.rotation / np.asarray(kidney.half), axis=1).min()
        for kidney in habitus.kidneys
    )
    assert 0.8 < nearest < 1.6


def test_the_mesentery_has_vessels_in_front_of_the_spine(abdomen: Canvas, habitus: Habitus) -> None:
    bowel.paint_mesentery(abdomen, habitus, np.random.default_rng(0))
    points = GRID.to_points(np.argwhere(abdomen.labels.numpy() == Tissue.SMALL_VESSEL))
    assert len(points) > 20
    assert points[:, 1].max() < habitus.spine_y - habitus.vertebra[1]


def test_gas_is_in_the_bowel_alone(patients: list[Any]) -> None:
    around = (*CONTENTS, Tissue.BOWEL_WALL, Tissue.STOMACH, Tissue.VISCERAL_FAT, Tissue.FASCIA, Tissue.SMALL_VESSEL)
    for patient in patients:
        gas = patient.mask(Tissue.BOWEL_GAS)
        beside = ndimage.binary_dilation(gas) & ~gas
        assert patient.mask(*around)[beside].mean() > 0.8
