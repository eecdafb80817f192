from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation import Grid, Tissue, ascites
from NephroSynthLib.simulation.ascites import paint_ascites
from NephroSynthLib.simulation.body import cavity_distance
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus

GRID = Grid((16, 40, 56), (6.0, 6.0, 8.0), (-165.0, -117.0, -60.0))


@pytest.fixture
def canvas(blank: Callable[[Grid], Canvas]) -> Canvas:
    """Visceral fat everywhere, and a block of perirenal fat."""
    canvas = blank(GRID)
    canvas.labels.fill_(int(Tissue.VISCERAL_FAT))
    canvas.labels[:, 20:30, 35:45] = int(Tissue.PERIRENAL_FAT)
    return canvas


def fluid(canvas: Canvas, habitus: Habitus, seed: int) -> torch.Tensor:
    paint_ascites(canvas, habitus, np.random.default_rng(seed))
    return canvas.labels == int(Tissue.ASCITES)


def test_ascites_lies_along_the_wall_and_leaves_the_fat_around_the_kidneys(
    canvas: Canvas, habitus: Habitus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ascites, "FREQUENCY", 1.0)
    monkeypatch.setattr(ascites, "_DEPTH_MM", (20.0, 20.0))
    wet = fluid(canvas, habitus, 0)
    box = canvas.whole()
    depth = -box.evaluate(lambda x, y, z: cavity_distance(habitus, x, y, z))
    inside = (depth > 0) & (canvas.labels != int(Tissue.PERIRENAL_FAT))
    assert wet[inside & (depth < 4)].float().mean() > 0.8
    assert wet[inside & (depth > 50)].float().mean() < 0.1
    assert (canvas.labels[:, 20:30, 35:45] == int(Tissue.PERIRENAL_FAT)).all()
    value = canvas.hu[:, wet].median(dim=1).values
    torch.testing.assert_close(value, canvas.attenuation[Tissue.ASCITES], atol=15.0, rtol=0.0)


def test_few_patients_have_ascites(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    small = Grid((4, 8, 8), (40.0, 40.0, 40.0), (-140.0, -140.0, -60.0))
    wet = 0
    for seed in range(200):
        canvas = blank(small)
        canvas.labels.fill_(int(Tissue.VISCERAL_FAT))
        wet += bool(fluid(canvas, habitus, seed).any())
    assert 6 < wet < 30
