from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.pelvic_bones import paint_pelvic_bones
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

BONE = (Tissue.CORTICAL_BONE, Tissue.SPONGY_BONE)


@pytest.fixture(scope="module")
def labels(habitus: Habitus) -> tuple[Grid, np.ndarray]:
    import torch

    pelvis = habitus.pelvis
    grid = Grid((96, 64, 113), (3.0, 3.5, 3.0), (-168.0, pelvis.hip[1] - 90, pelvis.hip[2] - 90))
    canvas = Canvas(grid, torch.zeros((64, 3)))
    paint_pelvic_bones(canvas, habitus, np.random.default_rng(0))
    return grid, canvas.labels.numpy()


def test_bones_are_symmetric(labels: tuple[Grid, np.ndarray]) -> None:
    bone = np.isin(labels[1], BONE)
    mirrored = bone[:, :, ::-1]
    assert 2 * (bone & mirrored).sum() / (bone.sum() + mirrored.sum()) > 0.75


def test_femoral_heads_lie_at_the_hips_in_cartilage_and_a_cup(
    labels: tuple[Grid, np.ndarray], habitus: Habitus
) -> None:
    grid, tissue = labels
    x, y, z = habitus.pelvis.hip
    points = grid.to_points(np.moveaxis(np.indices(grid.shape), 0, -1))
    for sign in (-1, 1):
        distance = np.linalg.norm(points - [sign * x, y, z], axis=-1)
        assert np.isin(tissue[distance < 0.8 * habitus.pelvis.head_mm], BONE).all()
        shell = (distance > habitus.pelvis.head_mm) & (distance < habitus.pelvis.head_mm + 5)
        assert (tissue[shell] == Tissue.DISC).any()


def test_cortex_surrounds_the_marrow(labels: tuple[Grid, np.ndarray]) -> None:
    spongy = labels[1] == Tissue.SPONGY_BONE
    inner = ndimage.binary_erosion(spongy | (labels[1] == Tissue.CORTICAL_BONE))
    assert inner[spongy].mean() > 0.6
    assert (labels[1] == Tissue.CORTICAL_BONE).sum() > 0.3 * spongy.sum()


def test_the_ring_holds_spine_and_both_hips_together(labels: tuple[Grid, np.ndarray]) -> None:
    pieces, _ = ndimage.label(np.isin(labels[1], (*BONE, Tissue.DISC)), np.ones((3, 3, 3)))
    sizes = np.bincount(pieces[pieces > 0])
    assert sizes.max() > 0.97 * sizes.sum()


def test_crests_lie_as_high_as_planned(patients: list[Any]) -> None:
    for patient in patients:
        bone = patient.mask(*BONE)
        x = np.abs(np.broadcast_to(patient.points[0], bone.shape))
        z = np.broadcast_to(patient.points[2], bone.shape)
        pelvis = patient.habitus.pelvis
        wing = bone & (x > 95) & (x < 150) & (z < pelvis.crest + 40)
        assert z[wing].max() == pytest.approx(pelvis.crest, abs=16)
