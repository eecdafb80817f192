from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import KidneyPlan
from NephroSynthLib.simulation.kidneys import draw_kidney, paint_kidney
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import TISSUE_COUNT, Tissue

# KiTS19 kidneys without tumour (every fourth case): median axes and volume, and the 5th to 95th percentile of volume.
MEDIAN_AXES_MM, MEDIAN_VOLUME_ML = (49.9, 61.9, 106.6), 201.8


@pytest.fixture(scope="module")
def kidneys() -> list[tuple[np.ndarray, np.ndarray]]:
    """Occupancy and labels of twelve kidneys of the median size, upright, on 1.5 mm voxels."""
    grid = Grid((88, 60, 66), (1.5, 1.5, 1.5), (-48.0, -44.0, -65.0))
    half = (MEDIAN_AXES_MM[0] / 2, MEDIAN_AXES_MM[1] / 2, MEDIAN_AXES_MM[2] / 2)
    painted = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        plan = KidneyPlan(1, np.zeros(3), np.eye(3)[:, [1, 0, 2]], half, 5.0, "normal")
        canvas = Canvas(grid, torch.zeros((TISSUE_COUNT, 3)))
        paint_kidney(canvas, draw_kidney(rng, plan, 1.0), rng)
        painted.append((canvas.kidneys[1].numpy(), canvas.labels.numpy()))
    return painted


def test_volume_and_extent_are_those_of_a_median_kidney(kidneys: list[tuple[np.ndarray, np.ndarray]]) -> None:
    volumes, extents = [], []
    for occupancy, _ in kidneys:
        volumes.append(occupancy.sum() * 1.5**3 / 1000)
        points = np.argwhere(occupancy > 0.5) * 1.5
        axes = np.linalg.eigh(np.cov((points - points.mean(axis=0)).T))[1]
        extents.append(np.ptp(points @ axes, axis=0))
    assert np.median(volumes) == pytest.approx(MEDIAN_VOLUME_ML, rel=0.15)
    np.testing.assert_allclose(np.median(extents, axis=0), MEDIAN_AXES_MM, rtol=0.15)


def test_sinus_fat_opens_towards_the_hilum_and_is_no_kidney(kidneys: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for occupancy, labels in kidneys:
        sinus = labels == Tissue.SINUS_FAT
        assert sinus.any()
        assert occupancy[sinus].max() <= 0.5
        # The frame of these kidneys has its hilum towards negative x.
        assert np.argwhere(sinus)[:, 2].mean() < np.argwhere(occupancy > 0.5)[:, 2].mean()


def test_medulla_lies_inside_the_cortex(kidneys: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for _, labels in kidneys:
        medulla, cortex = labels == Tissue.MEDULLA, labels == Tissue.CORTEX
        assert 0.08 < medulla.sum() / (medulla.sum() + cortex.sum()) < 0.5
        for axis in range(3):
            for step in (1, -1):
                beside = np.roll(labels, step, axis)[medulla]
                assert not np.any(beside == Tissue.AIR)
