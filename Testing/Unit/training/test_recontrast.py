from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics
from NephroSynthLib.kinetics.priors import draw_parameters
from NephroSynthLib.simulation import Grid
from NephroSynthLib.simulation import simulated_exam as simulation
from NephroSynthLib.simulation.tissues import Tissue
from NephroSynthLib.training.recontrast import compartment_hu, measured_contrast, other_contrast, shares

GRID = Grid((28, 80, 100), (2.4, 2.4, 5.0), (-118.8, -94.8, -67.5))


def test_a_voxel_deep_in_a_tissue_has_the_shares_of_that_tissue_and_fat_has_none() -> None:
    labels = np.full((12, 12, 12), Tissue.PERIRENAL_FAT)
    labels[:6] = Tissue.CORTEX
    found = shares(labels, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(found[:, 0, 5, 5], [0, 0, 1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(found[:, -1, 5, 5], 0, atol=1e-4)
    assert 0.2 < found[2, 5, 5, 5] < 0.8


def test_painting_another_contrast_gives_the_exam_that_the_simulator_gives_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stronger_and_later(*arguments: Any) -> ExamKinetics:
        drawn = draw_parameters(*arguments)
        return replace(drawn, iodine_mg=1.4 * drawn.iodine_mg, nephrographic_s=80.0, gfr_ml_min=0.7 * drawn.gfr_ml_min)

    before = simulation.simulate(900_004, reference=GRID)
    monkeypatch.setattr(simulation, "draw_parameters", stronger_and_later)
    after = simulation.simulate(900_004, reference=GRID)

    change = (compartment_hu(after.kinetics) - compartment_hu(before.kinetics))[0]
    painted = before.nephrographic_truth + np.tensordot(change, shares(before.labels, GRID.spacing), 1)
    enhancing = np.isin(before.labels, [Tissue.CORTEX, Tissue.MEDULLA, Tissue.LIVER, Tissue.MUSCLE, Tissue.SPLEEN])
    difference = np.abs(after.nephrographic_truth - before.nephrographic_truth)[enhancing]
    left = np.abs(after.nephrographic_truth - painted)[enhancing]
    assert difference.mean() > 10
    assert left.mean() < 0.2 * difference.mean()


def test_contrast_varies_between_injections_and_follows_its_seed() -> None:
    first, again, other = (other_contrast(300.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (2, len(COMPARTMENTS))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1


def test_contrast_is_measured_where_a_compartment_is_alone() -> None:
    cortex, blood = COMPARTMENTS.index("cortex"), COMPARTMENTS.index("blood")
    parts = np.zeros((len(COMPARTMENTS), 10, 10, 10), np.uint8)
    parts[cortex, :5] = 255
    parts[blood, 5:] = 128
    nominal = np.full((2, len(COMPARTMENTS)), 100.0)
    enhancement = np.where(parts[cortex] > 0, 130.0, 60.0)
    measured = measured_contrast(nominal, [enhancement, enhancement / 2], [parts, parts])
    np.testing.assert_allclose(measured[:, cortex], [130, 65])
    np.testing.assert_allclose(np.delete(measured, cortex, 1), 100)
