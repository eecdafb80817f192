from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from NephroSynthLib.simulation.enhancement import KineticParameters, draw_parameters, enhancement

TIMES = np.array([0.0, 10.0, 60.0, 100.0, 300.0, 600.0, 900.0])


@pytest.fixture
def parameters() -> KineticParameters:
    return draw_parameters(np.random.default_rng(3), parenchyma_ml=330.0, renal_function=1.0, weight_kg=75.0)


def test_without_filtration_no_iodine_is_lost(parameters: KineticParameters) -> None:
    closed = replace(parameters, gfr_ml_min=0.0)
    result = enhancement(closed, TIMES[2:])
    plasma = result.blood / closed.hu_per_mg_ml / (1 - closed.haematocrit) * closed.plasma_ml
    interstitium = result.interstitium / closed.hu_per_mg_ml * closed.interstitial_ml
    after = TIMES[2:] > closed.arrival_s + closed.injection_s + 1
    np.testing.assert_allclose((plasma + interstitium)[after], closed.iodine_mg, rtol=0.05)


def test_blood_follows_the_two_compartment_equations(parameters: KineticParameters) -> None:
    p = parameters

    def rate(t: float, c: np.ndarray) -> list[float]:
        injected = p.iodine_mg / p.injection_s if p.arrival_s <= t < p.arrival_s + p.injection_s else 0.0
        exchanged = p.exchange_ml_min / 60 * (c[0] - c[1])
        lost = p.gfr_ml_min / 60 * c[0]
        return [(injected - exchanged - lost) / p.plasma_ml, exchanged / p.interstitial_ml]

    solution = solve_ivp(rate, (0, 900), [0.0, 0.0], t_eval=TIMES, max_step=0.5)
    expected = p.hu_per_mg_ml * (1 - p.haematocrit) * solution.y[0]
    np.testing.assert_allclose(enhancement(p, TIMES).blood, expected, rtol=0.04, atol=0.5)


def test_enhancement_is_proportional_to_the_dose(parameters: KineticParameters) -> None:
    once, twice = (enhancement(replace(parameters, iodine_mg=mg), TIMES) for mg in (15000.0, 30000.0))
    for name in ("blood", "interstitium", "cortex", "medulla", "urine"):
        np.testing.assert_allclose(getattr(twice, name), 2 * getattr(once, name), rtol=1e-9)


def test_nothing_enhances_before_the_bolus_arrives(parameters: KineticParameters) -> None:
    result = enhancement(parameters, np.array([0.0, parameters.arrival_s - 2]))
    assert np.all(result.blood == 0)
    assert np.all(result.cortex == 0)


def test_poor_renal_function_dims_parenchyma_and_urine(parameters: KineticParameters) -> None:
    poor = replace(parameters, gfr_ml_min=parameters.gfr_ml_min / 4)
    late = np.array([500.0])
    assert enhancement(poor, late).urine[0] < enhancement(parameters, late).urine[0]
    assert enhancement(poor, late).medulla[0] < enhancement(parameters, late).medulla[0]
    assert enhancement(poor, late).blood[0] > enhancement(parameters, late).blood[0]
