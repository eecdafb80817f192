from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.pelvic_organs import (
    paint_bladder,
    paint_genital_organs,
    paint_pelvic_floor_fat,
    paint_rectum,
)
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue


def pelvis_grid(habitus: Habitus) -> Grid:
    hip = habitus.pelvis.hip
    return Grid((70, 50, 56), (4.0, 4.0, 4.0), (-110.0, hip[1] - 100, hip[2] - 90))


def test_bladder_volumes_reach_from_nearly_empty_to_full_with_the_iodine_at_the_back(
    blank: Callable[[Grid], Canvas], habitus: Habitus
) -> None:
    grid, volumes = pelvis_grid(habitus), []
    for seed in range(16):
        canvas = blank(grid)
        canvas.attenuation[Tissue.BLADDER] = torch.tensor([5.0, 15.0, 205.0])
        paint_bladder(canvas, habitus, np.random.default_rng(seed))
        labels = canvas.labels.numpy()
        inside = labels == Tissue.BLADDER
        volumes.append(inside.sum() * 64 / 1000)
        assert (labels == Tissue.BLADDER_WALL).any()
        inner = ndimage.binary_erosion(inside)
        if inner.sum() > 100:
            late, rows = canvas.hu[2].numpy()[inner], np.argwhere(inner)[:, 1]
            middle = np.median(rows)
            assert late[rows > middle].mean() >= late[rows < middle].mean() - 1
    assert min(volumes) < 60
    assert 150 < max(volumes) < 750


def test_the_bladder_lies_in_the_pelvis_below_the_kidneys(patients: list[Any]) -> None:
    for patient in patients:
        bladder = patient.centre(Tissue.BLADDER, Tissue.BLADDER_WALL)
        pelvis = patient.habitus.pelvis
        assert abs(bladder[0]) < 20
        assert pelvis.floor < bladder[2] < pelvis.promontory
        kidneys = np.argwhere(patient.canvas.kidneys.numpy().max(axis=0) > 0.5)[:, 0]
        assert np.argwhere(patient.mask(Tissue.BLADDER))[:, 0].max() < kidneys.min()


def test_women_have_a_uterus_and_men_a_prostate(patients: list[Any]) -> None:
    woman, man = patients
    assert woman.ml(Tissue.PROSTATE) == 0
    assert man.ml(Tissue.UTERUS) == 0
    assert woman.ml(Tissue.UTERUS) > 3
    assert 8 < man.ml(Tissue.PROSTATE) < 90


def test_genital_organs_lie_near_the_midline(blank: Callable[[Grid], Canvas], patients: list[Any]) -> None:
    for patient in patients:
        grid = pelvis_grid(patient.habitus)
        canvas = blank(grid)
        paint_genital_organs(canvas, patient.habitus, np.random.default_rng(3))
        points = grid.to_points(np.argwhere(canvas.labels.numpy() > 0))
        assert abs(points[:, 0].mean()) < 15
        assert np.abs(points[:, 0]).max() < patient.habitus.pelvis.hip[0]


def test_fat_of_the_pelvic_floor_replaces_muscle_alone(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    canvas = blank(pelvis_grid(habitus))
    canvas.labels[:] = int(Tissue.MUSCLE)
    canvas.labels[:, :, :28] = int(Tissue.SPONGY_BONE)
    paint_pelvic_floor_fat(canvas, habitus, np.random.default_rng(0))
    labels = canvas.labels.numpy()
    assert (labels[:, :, :28] == Tissue.SPONGY_BONE).all()
    assert {Tissue.VISCERAL_FAT, Tissue.SUBCUTANEOUS_FAT} <= set(np.unique(labels[:, :, 28:]))


def test_the_anal_canal_passes_the_pelvic_floor(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    grid = pelvis_grid(habitus)
    canvas = blank(grid)
    paint_rectum(canvas, habitus, np.random.default_rng(0))
    z = grid.to_points(np.argwhere(canvas.labels.numpy() == Tissue.BOWEL_WALL))[:, 2]
    assert z.min() < habitus.pelvis.floor < z.max()
