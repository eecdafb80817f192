"""The draws against published measurements, with the protocols of the publications."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from NephroSynthLib.kinetics.enhancement import Enhancement, enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ManyKinetics
from NephroSynthLib.kinetics.priors import (
    EXCRETORY_S,
    NEPHROGRAPHIC_S,
    draw_many,
    draw_parameters,
    draw_parenchyma,
    draw_weights,
)
from NephroSynthLib.kinetics.uptake import ORGAN_UPTAKE, UPTAKE_SD

DRAWS = 1500
MONITORING_S = 3
"""Time that bolus tracking takes to see the threshold passed: it scans every 1 to 3 s and starts after that."""


@pytest.fixture(scope="module")
def draws() -> ManyKinetics:
    rng = np.random.default_rng(0)
    return draw_many(rng, draw_parenchyma(rng, DRAWS), draw_weights(rng, DRAWS))


@pytest.fixture(scope="module")
def tracked() -> Enhancement:
    """The enhancement (draws, seconds after the trigger) with the protocol of Goshima et al., Eur J Radiol 2007.

    Patients of 60 ± 10 kg, 600 mg of iodine per kg, 1200 mg/s, trigger at 50 HU in the aorta.
    """
    rng = np.random.default_rng(1)
    weight = np.clip(rng.normal(60, 10, DRAWS), 40, 90)
    drawn = draw_many(rng, draw_parenchyma(rng, DRAWS), weight)
    drawn = replace(drawn, iodine_mg=600 * weight, injection_s=weight / 2)
    clock = np.broadcast_to(np.arange(0.0, 60.0), (DRAWS, 60))
    trigger = np.argmax(enhancement(drawn, clock).blood > 50, axis=1) + MONITORING_S
    return enhancement(drawn, trigger[:, None] + np.arange(0.0, 71.0))


def means(curve: NDArray[np.float64], *seconds: int) -> NDArray[np.float64]:
    """Returns the mean over the draws at some times."""
    return np.asarray(curve[:, list(seconds)].mean(axis=0))


def test_the_cortex_takes_up_195_to_217_hu_after_the_trigger(tracked: Enhancement) -> None:
    cortex = means(tracked.cortex, 15, 20, 25, 30)
    assert np.all((cortex > 185) & (cortex < 227))
    assert 150 < means(tracked.cortex, 10)[0] < 217
    assert 18 <= np.argmax(tracked.cortex.mean(axis=0)) <= 30


def test_the_renal_artery_takes_up_240_to_288_hu_early(tracked: Enhancement) -> None:
    assert 230 < means(tracked.blood, 5)[0] < 310


def test_the_medulla_is_dark_at_first_and_takes_up_145_hu_at_55_s(tracked: Enhancement) -> None:
    assert means(tracked.medulla, 55)[0] == pytest.approx(145, abs=8)
    assert np.all(np.diff(tracked.medulla.mean(axis=0)[:56]) > 0)
    assert np.all(means(tracked.cortex - tracked.medulla, 15, 20, 25) > 105)
    assert np.all(means(tracked.cortex - tracked.medulla, 15, 20, 25) < 140)


def test_cortex_and_medulla_differ_by_less_than_30_hu_from_45_s_on(tracked: Enhancement) -> None:
    difference = means(tracked.cortex - tracked.medulla, 45, 50, 60, 70)
    assert difference[0] < 35
    assert np.all(np.abs(difference[1:]) < 30)


def test_the_liver_takes_up_53_to_61_hu_in_the_portal_venous_phase(tracked: Enhancement) -> None:
    blood, interstitium = ORGAN_UPTAKE["liver"]
    strength = np.exp(UPTAKE_SD * np.random.default_rng(2).standard_normal((DRAWS, 1)))
    liver = strength * (blood * tracked.veins + interstitium * tracked.interstitium)
    portal = liver[:, 52:68]
    assert 53 <= portal.mean() <= 64
    assert 7 <= portal.mean(axis=1).std() <= 12
    assert liver[:, 10].mean() < 25


def test_renal_clearance_and_blood_share_are_those_of_dynamic_ct(draws: ManyKinetics) -> None:
    clearance = draws.gfr_ml_min / draws.parenchyma_ml / (1 - draws.haematocrit)
    assert clearance.mean() == pytest.approx(0.49, abs=0.02)
    assert clearance.std() == pytest.approx(0.11, abs=0.015)
    assert np.mean((draws.renal_blood_share > 0.28) & (draws.renal_blood_share < 0.31)) > 0.8


def test_the_filtration_of_all_patients_is_that_of_adults(draws: ManyKinetics) -> None:
    assert 85 < np.median(draws.gfr_ml_min) < 110
    assert np.all(draws.gfr_ml_min > 5)


def test_delays_fill_their_ranges(draws: ManyKinetics) -> None:
    for values, (shortest, longest) in ((draws.nephrographic_s, NEPHROGRAPHIC_S), (draws.excretory_s, EXCRETORY_S)):
        slack = 0.02 * (longest - shortest)
        assert shortest <= values.min() < shortest + slack
        assert longest - slack < values.max() <= longest


def test_the_same_seed_draws_the_same_physiology_for_another_patient() -> None:
    light, heavy = (draw_parameters(np.random.default_rng(5), 330.0, weight) for weight in (60.0, 120.0))
    assert light == draw_parameters(np.random.default_rng(5), 330.0, 60.0)
    assert light.haematocrit == heavy.haematocrit
    assert light.gfr_ml_min == heavy.gfr_ml_min
    assert heavy.plasma_ml > light.plasma_ml
    assert heavy.iodine_mg > light.iodine_mg
