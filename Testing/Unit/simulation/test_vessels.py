from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue
from NephroSynthLib.simulation.vessels import paint_great_vessels

EVERYWHERE = np.ones((3, 3, 3))


@pytest.fixture(scope="module")
def vessels(habitus: Habitus) -> tuple[Grid, np.ndarray]:
    import torch

    grid = Grid((170, 90, 120), (2.5, 2.5, 3.0), (-148.0, habitus.spine_y - 160, -290.0))
    canvas = Canvas(grid, torch.zeros((64, 3)))
    paint_great_vessels(canvas, habitus, np.random.default_rng(2))
    return grid, canvas.labels.numpy()


def test_the_aorta_lies_left_of_the_cava_and_both_lie_before_the_spine(
    vessels: tuple[Grid, np.ndarray], habitus: Habitus
) -> None:
    grid, labels = vessels
    level = slice(*(int(i) for i in np.round((np.array([0, 120]) - grid.origin[2]) / grid.spacing[2])))
    centres = []
    for tissue in (Tissue.AORTA, Tissue.VENA_CAVA):
        points = grid.to_points(np.argwhere(labels[level] == tissue))
        centres.append(points.mean(axis=0))
        assert points[:, 1].max() < habitus.spine_y - habitus.vertebra[1] + 4
    assert centres[0][0] > centres[1][0] + 10


@pytest.mark.parametrize("tissue", [Tissue.AORTA, Tissue.VENA_CAVA])
def test_each_great_vessel_is_one_tree_that_forks_in_the_pelvis(
    vessels: tuple[Grid, np.ndarray], habitus: Habitus, tissue: Tissue
) -> None:
    grid, labels = vessels
    others = (Tissue.CALCIFICATION, Tissue.AORTA) if tissue is Tissue.VENA_CAVA else (Tissue.CALCIFICATION,)
    pieces, _ = ndimage.label(np.isin(labels, (tissue, *others)), EVERYWHERE)
    own = np.bincount(pieces[labels == tissue])
    assert own.max() > 0.9 * own.sum()
    index = round((habitus.pelvis.hip[2] + 20 - grid.origin[2]) / grid.spacing[2])
    x = grid.to_points(np.argwhere(labels[index : index + 4] == tissue))[:, 0]
    assert (x < -20).any()
    assert (x > 20).any()


def test_renal_vessels_lead_from_the_great_vessels_to_the_hila(
    vessels: tuple[Grid, np.ndarray], habitus: Habitus
) -> None:
    grid, labels = vessels
    for great, branch in ((Tissue.AORTA, Tissue.RENAL_ARTERY), (Tissue.VENA_CAVA, Tissue.RENAL_VEIN)):
        trunk = ndimage.binary_dilation(np.isin(labels, (Tissue.AORTA, Tissue.VENA_CAVA, Tissue.MUSCLE)), EVERYWHERE)
        assert (trunk & (labels == branch)).any(), great
        points = grid.to_points(np.argwhere(labels == branch))
        for kidney in habitus.kidneys:
            hilum = kidney.centre - kidney.rotation[:, 1] * kidney.half[1] * 0.75
            assert np.linalg.norm(points - hilum, axis=1).min() < 12


def test_diameters_are_those_of_adults(patients: list[Any]) -> None:
    # Wanhainen et al., J Vasc Surg 2008;48:545-552: infrarenal aorta 14 to 24 mm in most adults.
    for patient in patients:
        area = patient.mask(Tissue.AORTA, Tissue.CALCIFICATION).sum(axis=(1, 2)) * np.prod(
            patient.canvas.grid.spacing[:2]
        )
        z = patient.canvas.grid.axes()[0]
        diameter = 2 * np.sqrt(np.median(area[(z > -40) & (z < 80)]) / np.pi)
        assert 11 < diameter < 32
