from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from NephroSynthLib.kinetics import enhancement as module
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS, enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics, exam_of
from NephroSynthLib.kinetics.priors import draw_many, draw_parameters

TIMES = np.array([0.0, 10.0, 25.0, 40.0, 60.0, 100.0, 300.0, 600.0, 900.0])
ALL = (*COMPARTMENTS, "urine")


@pytest.fixture
def parameters() -> ExamKinetics:
    return draw_parameters(np.random.default_rng(3), parenchyma_ml=330.0, weight_kg=75.0)


def integrated(p: ExamKinetics, times: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Returns the enhancement by numerical integration of the differential equations."""
    flow, exchange = p.cardiac_output_ml_min / 60 * (1 - p.haematocrit), p.exchange_ml_min / 60
    gfr, central = p.gfr_ml_min / 60, p.central_share * p.plasma_ml

    def rate(t: float, y: NDArray[np.float64]) -> list[float]:
        c, peripheral, interstitium, proximal, distal, first, second = y
        injected = p.iodine_mg / p.injection_s if p.arrival_s <= t < p.arrival_s + p.injection_s else 0.0
        leak = exchange * (peripheral - interstitium)
        return [
            (injected + flow * (peripheral - c) - gfr * c) / central,
            (flow * (c - peripheral) - leak) / (p.plasma_ml - central),
            leak / p.interstitial_ml,
            gfr / p.parenchyma_ml * c - proximal / p.proximal_transit_s,
            proximal / p.proximal_transit_s - distal / p.distal_transit_s,
            2 * (c - first) / p.venous_transit_s,
            2 * (first - second) / p.venous_transit_s,
        ]

    solution = solve_ivp(rate, (0, 901), np.zeros(7), dense_output=True, max_step=0.5, rtol=1e-6, atol=1e-8).sol
    c, _, interstitium, proximal, distal, _, veins = solution(times)
    red, scale = 1 - p.haematocrit, p.hu_per_mg_ml
    blood = p.renal_blood_share * red * c
    return {
        "blood": scale * red * c,
        "veins": scale * red * veins,
        "interstitium": scale * interstitium,
        "cortex": scale
        * p.cortical_uptake
        * (module.CORTEX_BLOOD * blood + (proximal + module.DISTAL_IN_CORTEX * distal) / module.CORTEX_SHARE),
        "medulla": scale
        * p.medullary_uptake
        * (module.MEDULLA_BLOOD * blood + (1 - module.DISTAL_IN_CORTEX) * distal / (1 - module.CORTEX_SHARE)),
        "urine": scale * p.gfr_ml_min / p.urine_ml_min * solution(np.maximum(times - p.urine_delay_s, 0))[0],
    }


def test_the_closed_form_solves_the_differential_equations(parameters: ExamKinetics) -> None:
    found, expected = enhancement(parameters, TIMES), integrated(parameters, TIMES)
    for name in ALL:
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=2e-3, atol=0.05, err_msg=name)


def test_equal_time_constants_are_solved_too(parameters: ExamKinetics) -> None:
    equal = replace(parameters, proximal_transit_s=60.0, distal_transit_s=60.0, venous_transit_s=120.0)
    found, expected = enhancement(equal, TIMES), integrated(equal, TIMES)
    for name in COMPARTMENTS:
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=2e-3, atol=0.05, err_msg=name)


def test_many_draws_at_once_agree_with_each_exam_on_its_own() -> None:
    rng = np.random.default_rng(1)
    draws = draw_many(rng, rng.uniform(200, 400, 5), rng.uniform(50, 110, 5))
    times = rng.uniform(20, 800, (5, 3))
    together = enhancement(draws, times)
    for index in range(5):
        alone = enhancement(exam_of(draws, index), times[index])
        for name in ALL:
            np.testing.assert_allclose(getattr(together, name)[index], getattr(alone, name), rtol=1e-9)


def test_fifty_thousand_draws_take_well_under_a_second_of_processor_time() -> None:
    rng = np.random.default_rng(2)
    draws = draw_many(rng, np.full(50_000, 330.0), np.full(50_000, 75.0))
    times = np.stack([draws.nephrographic_s, draws.excretory_s], axis=1)
    start = time.process_time()
    enhancement(draws, times)
    assert time.process_time() - start < 1.0


def test_without_filtration_the_iodine_spreads_over_plasma_and_interstitium(parameters: ExamKinetics) -> None:
    closed = enhancement(replace(parameters, gfr_ml_min=0.0), np.array([1e5]))
    expected = parameters.hu_per_mg_ml * parameters.iodine_mg / (parameters.plasma_ml + parameters.interstitial_ml)
    assert closed.interstitium[0] == pytest.approx(expected, rel=1e-4)
    assert closed.blood[0] == pytest.approx(expected * (1 - parameters.haematocrit), rel=1e-4)


def test_enhancement_is_proportional_to_the_dose(parameters: ExamKinetics) -> None:
    once, twice = (enhancement(replace(parameters, iodine_mg=mg), TIMES) for mg in (15000.0, 30000.0))
    for name in ALL:
        np.testing.assert_allclose(getattr(twice, name), 2 * getattr(once, name), rtol=1e-9)


def test_nothing_enhances_before_the_bolus_arrives(parameters: ExamKinetics) -> None:
    result = enhancement(parameters, np.array([0.0, parameters.arrival_s - 2]))
    for name in ALL:
        np.testing.assert_array_equal(getattr(result, name), 0)


def test_poor_renal_function_dims_parenchyma_and_urine(parameters: ExamKinetics) -> None:
    poor, late = replace(parameters, gfr_ml_min=parameters.gfr_ml_min / 4), np.array([500.0])
    assert enhancement(poor, late).urine[0] < enhancement(parameters, late).urine[0]
    assert enhancement(poor, late).medulla[0] < enhancement(parameters, late).medulla[0]
    assert enhancement(poor, late).blood[0] > enhancement(parameters, late).blood[0]
