from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from grid_indices import to_indices

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.muscles import paint_posterior_muscles
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

GRID = Grid((90, 72, 80), (4.0, 4.0, 4.5), (-158.0, -100.0, -260.0))


@pytest.fixture(scope="module")
def muscle(habitus: Habitus) -> np.ndarray:
    import torch

    canvas = Canvas(GRID, torch.zeros((64, 3)))
    paint_posterior_muscles(canvas, habitus, np.random.default_rng(0))
    return canvas.labels.numpy() == Tissue.MUSCLE


def share(muscle: np.ndarray, centre: tuple[float, float, float], half: tuple[float, float, float]) -> float:
    """The share of muscle in a cuboid about a point (x, y, z) in mm."""
    low, high = (np.round(to_indices(GRID, np.add(centre, np.multiply(s, half)))).astype(int) for s in (-1, 1))
    return float(muscle[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))].mean())


def test_both_sides_have_about_the_same_muscle(muscle: np.ndarray) -> None:
    middle = round((0 - GRID.origin[0]) / GRID.spacing[0])
    right, left = muscle[:, :, :middle].sum(), muscle[:, :, middle:].sum()
    assert right == pytest.approx(left, rel=0.2)


def test_the_erector_lies_behind_the_spine_and_psoas_beside_it(muscle: np.ndarray, habitus: Habitus) -> None:
    for sign in (-1, 1):
        assert share(muscle, (sign * 36, habitus.spine_y + 40, 0), (8, 6, 40)) > 0.6
        assert share(muscle, (sign * 48, habitus.spine_y - 4, habitus.pelvis.crest - 20), (6, 6, 8)) > 0.6


def test_muscle_is_replaced_by_fat_only(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    canvas = blank(GRID)
    canvas.labels[:] = int(Tissue.LIVER)
    paint_posterior_muscles(canvas, habitus, np.random.default_rng(1))
    assert set(np.unique(canvas.labels.numpy())) == {Tissue.LIVER, Tissue.MUSCLE, Tissue.VISCERAL_FAT}
