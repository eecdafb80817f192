from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.skeleton import paint_ribs, paint_spine
from NephroSynthLib.simulation.tissues import Tissue

BONE = (Tissue.CORTICAL_BONE, Tissue.SPONGY_BONE)


def painted(grid: Grid, step: object, habitus: Habitus, seed: int = 0) -> np.ndarray:
    import torch

    canvas = Canvas(grid, torch.zeros((64, 3)))
    step(canvas, habitus, np.random.default_rng(seed))
    return canvas.labels.numpy()


@pytest.fixture(scope="module")
def spine(habitus: Habitus) -> tuple[Grid, np.ndarray]:
    grid = Grid((120, 64, 80), (2.0, 2.0, 2.0), (-79.0, habitus.spine_y - 45, habitus.pelvis.promontory + 4))
    return grid, painted(grid, paint_spine, habitus)


def test_bodies_and_discs_alternate_with_the_pitch_of_the_patient(
    spine: tuple[Grid, np.ndarray], habitus: Habitus
) -> None:
    grid, labels = spine
    z, y, x = grid.axes()
    column = []
    for index, height in enumerate(z):
        row = np.abs(y - float(habitus.pelvis.spine_centre(np.array(height)))).argmin()
        column.append(labels[index, row, np.abs(x).argmin()])
    disc = np.array(column) == Tissue.DISC
    assert np.isin(column, (*BONE, Tissue.DISC)).all()
    starts = z[1:][disc[1:] & ~disc[:-1]]
    np.testing.assert_allclose(np.diff(starts), habitus.pitch, atol=2 * grid.spacing[2])


def test_the_canal_is_open_behind_every_body(spine: tuple[Grid, np.ndarray]) -> None:
    _, labels = spine
    canal = labels == Tissue.SPINAL_CANAL
    assert canal.any(axis=(1, 2)).all()
    bone = np.isin(labels, BONE)
    assert np.argwhere(canal)[:, 1].mean() > np.argwhere(bone)[:, 1].min() + 5


def test_the_spine_is_symmetric(spine: tuple[Grid, np.ndarray]) -> None:
    bone = np.isin(spine[1], BONE)
    assert 2 * (bone & bone[:, :, ::-1]).sum() / (2 * bone.sum()) > 0.99


def test_ribs_run_along_the_wall_of_both_sides_and_fall_towards_the_front(habitus: Habitus) -> None:
    grid = Grid((50, 90, 110), (4.0, 4.0, 6.0), (-218.0, -178.0, -60.0))
    labels = painted(grid, paint_ribs, habitus)
    points = grid.to_points(np.argwhere(np.isin(labels, BONE)))
    width, depth = habitus.cavity
    level = (np.abs(points[:, :2] / [width, depth]) ** habitus.power).sum(axis=1) ** (1 / habitus.power)
    assert level.min() > 0.9
    assert level.max() < 1.4
    right, left = (points[:, 0] < 0).sum(), (points[:, 0] > 0).sum()
    assert right == pytest.approx(left, rel=0.1)
    cartilage = grid.to_points(np.argwhere(labels == Tissue.DISC))
    assert cartilage[:, 1].mean() < points[:, 1].mean()
