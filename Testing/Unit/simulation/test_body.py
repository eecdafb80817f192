from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from NephroSynthLib.simulation.body import cavity_distance, outer_muscle_distance, paint_body, paint_surroundings
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue


def at(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1), value)


def test_the_wall_of_the_cavity_lies_at_its_half_axes_and_is_symmetric(habitus: Habitus) -> None:
    width, depth = habitus.cavity
    zero = at(0.0)
    assert float(cavity_distance(habitus, at(20.0), at(20.0), zero)) < -0.6 * min(width, depth)
    for x, y in ((width, 0.0), (-width, 0.0), (0.0, depth), (0.0, -depth)):
        assert abs(float(cavity_distance(habitus, at(x), at(y), zero))) < 1.0
    points = torch.linspace(-150, 150, 31)[None, None, :]
    for z in (-100.0, 50.0):
        distance = cavity_distance(habitus, points, at(20.0), at(z))
        torch.testing.assert_close(distance, distance.flip(-1))


def test_hip_muscles_surround_the_hips_and_end_at_the_crests(habitus: Habitus) -> None:
    x, y, z = habitus.pelvis.hip
    for side in (-1, 1):
        assert float(outer_muscle_distance(habitus, at(side * x), at(y), at(z))) < -10
    assert float(outer_muscle_distance(habitus, at(0.0), at(0.0), at(habitus.pelvis.crest + 80))) > 10


def test_skin_closes_the_body_around_fat_and_muscle(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    canvas = blank(Grid((40, 110, 130), (3.6, 3.6, 8.0), (-232.0, -196.0, -180.0)))
    paint_body(canvas, habitus, np.random.default_rng(3))
    labels = canvas.labels.numpy()
    beside_air = ndimage.binary_dilation(labels == Tissue.AIR, np.ones((1, 3, 3))) & (labels != Tissue.AIR)
    assert np.isin(labels[beside_air], (Tissue.SKIN, Tissue.SUBCUTANEOUS_FAT)).all()
    for tissue in (Tissue.SKIN, Tissue.SUBCUTANEOUS_FAT, Tissue.MUSCLE, Tissue.VISCERAL_FAT):
        assert (labels == tissue).any()
    filled = ndimage.binary_fill_holes(labels[20] != Tissue.AIR)
    assert np.array_equal(filled, labels[20] != Tissue.AIR)


def test_lungs_lie_above_the_kidneys_on_both_sides(patients: list[Any]) -> None:
    for patient in patients:
        lung = patient.mask(Tissue.LUNG)
        x, _, z = (np.broadcast_to(axis, lung.shape)[lung] for axis in patient.points)
        assert z.min() >= 30
        assert 0.6 < (x < 0).sum() / (x > 0).sum() < 1.7


def test_the_table_lies_behind_the_patient_and_takes_nothing_from_the_body(
    blank: Callable[[Grid], Canvas], habitus: Habitus
) -> None:
    canvas = blank(Grid((4, 130, 120), (4.0, 4.0, 10.0), (-238.0, -196.0, 0.0)))
    paint_body(canvas, habitus, np.random.default_rng(0))
    before = canvas.labels.numpy().copy()
    paint_surroundings(canvas, habitus, np.random.default_rng(4))
    table = canvas.labels.numpy() == Tissue.TABLE
    assert table.any()
    assert (before[table] == Tissue.AIR).all()
    back = habitus.cavity[1] + habitus.wall[2] + habitus.fat[2]
    assert canvas.y.numpy()[np.argwhere(table)[:, 1]].max() > back
