from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics
from NephroSynthLib.kinetics.priors import draw_parameters
from NephroSynthLib.methods.condition import EXCRETORY_DELAYS_S
from NephroSynthLib.simulation import Grid
from NephroSynthLib.simulation import simulated_exam as simulation
from NephroSynthLib.simulation.tissues import Tissue
from NephroSynthLib.training.recontrast import compartment_hu, other_contrast, shares

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
    drawn = [other_contrast(300.0, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    (first, delay), (again, same), (other, another) = drawn
    assert first.shape == (2, len(COMPARTMENTS))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1
    assert delay == same
    assert delay != another


def test_the_delays_that_the_model_is_told_are_those_that_injections_have() -> None:
    rng = np.random.default_rng(0)
    drawn = [other_contrast(300.0, rng)[1] for _ in range(400)]
    shortest, longest = EXCRETORY_DELAYS_S
    assert shortest <= min(drawn) < shortest + 20
    assert longest - 20 < max(drawn) <= longest
