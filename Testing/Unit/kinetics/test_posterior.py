from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS, enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics, exam_of
from NephroSynthLib.kinetics.posterior import (
    CALIBRATION_HU,
    EGFR_ERROR,
    FAILED,
    FAILED_SD,
    LEAST_HU,
    MEASURED_BLOOD,
    MEASURED_CORTEX,
    NOISE_HU,
    OWN_SD,
    Estimate,
    Observed,
    Told,
    estimate,
    observe,
    tell,
)
from NephroSynthLib.kinetics.priors import draw_many, draw_parenchyma, draw_weights
from NephroSynthLib.kinetics.uptake import ORGAN_UPTAKE

EXAMS = 120
DELAYS = ("excretory_delay_s", "nephrographic_delay_s")


@dataclass(frozen=True)
class Patients:
    """Drawn exams: their measurements, numbers, and true nephrographic enhancement by compartment."""

    kinetics: list[ExamKinetics]
    observed: list[Observed]
    told: list[Told]
    truth: dict[str, NDArray[np.float64]]

    def error(self, estimates: list[Estimate]) -> float:
        """Returns the mean absolute error of the kidneys' nephrographic enhancement in HU."""
        found = np.array([kidney(one.mean_hu["cortex"], one.mean_hu["medulla"]) for one in estimates])
        return float(np.abs(found - kidney(self.truth["cortex"], self.truth["medulla"])).mean())


@pytest.fixture(scope="module")
def patients() -> Patients:
    rng = np.random.default_rng(20)
    draws = draw_many(rng, draw_parenchyma(rng, EXAMS), draw_weights(rng, EXAMS))
    phase = enhancement(draws, draws.nephrographic_s[:, None])
    exams = [exam_of(draws, index) for index in range(EXAMS)]
    return Patients(
        exams,
        [observe(exam, rng) for exam in exams],
        [tell(exam, rng) for exam in exams],
        {name: getattr(phase, name)[:, 0] for name in COMPARTMENTS},
    )


def kidney(cortex: float | NDArray[np.float64], medulla: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    return MEASURED_CORTEX * cortex + (1 - MEASURED_CORTEX) * medulla


def only(told: Told, *names: str) -> Told:
    return Told(**{name: getattr(told, name) for name in names})


@pytest.mark.parametrize("names", [(), DELAYS], ids=["nothing told", "delays told"])
def test_two_standard_deviations_cover_95_percent(patients: Patients, names: tuple[str, ...]) -> None:
    covered = [
        abs(found.mean_hu[name] - patients.truth[name][index]) < 2 * found.sd_hu[name]
        for index, (observed, told) in enumerate(zip(patients.observed, patients.told, strict=True))
        for found in [estimate(observed, only(told, *names))]
        for name in COMPARTMENTS
    ]
    assert 0.93 <= np.mean(covered) <= 0.985


def test_the_error_falls_with_all_that_is_known(patients: Patients) -> None:
    nothing = [estimate(Observed(), Told())] * EXAMS
    kidneys = [estimate(Observed(kidney=one.kidney), Told()) for one in patients.observed]
    pairs = list(zip(patients.observed, patients.told, strict=True))
    tissues = [estimate(observed, Told()) for observed in patients.observed]
    delay = [estimate(observed, only(told, "excretory_delay_s")) for observed, told in pairs]
    everything = [estimate(observed, told) for observed, told in pairs]
    errors = [patients.error(found) for found in (nothing, kidneys, tissues, delay, everything)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1.8 * errors[-1]


def test_agrees_with_importance_sampling_of_every_quantity() -> None:
    observed = Observed(kidney=70.0, blood=45.0, liver=27.0, muscle=9.0, parenchyma_ml=310.0)
    told = Told(excretory_delay_s=420.0, nephrographic_delay_s=100.0, egfr_ml_min=80.0)
    n, rng = 150_000, np.random.default_rng(4)
    draws = draw_many(rng, np.full(n, 310.0), draw_weights(rng, n))
    result = enhancement(draws, np.array([100.0, 420.0]))
    late = {name: getattr(result, name)[:, 1] for name in COMPARTMENTS}
    likelihood = ((np.log(draws.gfr_ml_min) - np.log(80.0)) / EGFR_ERROR) ** 2
    expected = {"kidney": kidney(late["cortex"], late["medulla"]), "blood": MEASURED_BLOOD * late["blood"]}
    for name in ("liver", "muscle"):
        blood, interstitium = ORGAN_UPTAKE[name]
        expected[name] = blood * late["veins"] + interstitium * late["interstitium"]
    offset = CALIBRATION_HU * rng.standard_normal(n)
    for name, hu in expected.items():
        residual = np.log(getattr(observed, name) / np.maximum(hu + offset, LEAST_HU))
        variance = OWN_SD[name] ** 2 + (NOISE_HU / hu) ** 2
        density = sum(
            chance * np.exp(-0.5 * residual**2 / total) / np.sqrt(total)
            for chance, total in ((1 - FAILED, variance), (FAILED, variance + FAILED_SD**2))
        )
        likelihood = likelihood - 2 * np.log(density)
    weights = np.exp(-0.5 * (likelihood - likelihood.min()))
    weights /= weights.sum()
    assert 1 / np.sum(weights**2) > 1000
    found = estimate(observed, told)
    for name in COMPARTMENTS:
        values = getattr(result, name)[:, 0]
        mean = weights @ values
        sd = np.sqrt(weights @ (values - mean) ** 2)
        assert found.mean_hu[name] == pytest.approx(mean, abs=0.25 * sd), name
        assert found.sd_hu[name] == pytest.approx(sd, rel=0.2), name
        assert found.ratio[name] == pytest.approx(weights @ (values / late[name]), rel=0.06), name


def exact(exam: ExamKinetics) -> dict[str, float]:
    """Returns the measurement of an exam without any error."""
    late = {name: float(getattr(enhancement(exam, np.array([exam.excretory_s])), name)[0]) for name in COMPARTMENTS}
    found = {"kidney": float(kidney(late["cortex"], late["medulla"])), "blood": MEASURED_BLOOD * late["blood"]}
    for name in ("liver", "spleen", "muscle"):
        blood, interstitium = ORGAN_UPTAKE[name]
        vessels = late["blood" if name == "spleen" else "veins"]
        found[name] = blood * vessels + interstitium * late["interstitium"]
    return found


def deviations(patients: Patients, changed: Callable[[dict[str, float]], dict[str, float]]) -> float:
    """Returns the RMS of error over told SD of the cortex, where measurements without errors are changed.

    The delay is told.
    """
    found = []
    for index, exam in enumerate(patients.kinetics[:24]):
        observed = Observed(**changed(exact(exam)), parenchyma_ml=exam.parenchyma_ml)
        one = estimate(observed, Told(excretory_delay_s=exam.excretory_s))
        found.append((one.mean_hu["cortex"] - patients.truth["cortex"][index]) / one.sd_hu["cortex"])
    return float(np.sqrt(np.mean(np.square(found))))


@pytest.mark.parametrize("offset", [-8.0, 8.0])
def test_an_offset_that_all_tissues_share_stays_within_the_told_deviation(patients: Patients, offset: float) -> None:
    assert deviations(patients, lambda tissues: {name: hu + offset for name, hu in tissues.items()}) < 1.4


def test_kidneys_that_are_measured_wrong_do_not_carry_the_estimate_away(patients: Patients) -> None:
    assert deviations(patients, lambda tissues: tissues | {"kidney": 0.3 * tissues["kidney"]}) < 1.5


def test_the_same_input_gives_the_same_estimate() -> None:
    observed, told = Observed(kidney=60.0, blood=40.0), Told(weight_kg=80.0)
    assert estimate(observed, told) == estimate(observed, told)


def test_an_exam_outside_the_prior_still_gets_a_finite_broad_estimate() -> None:
    strange = estimate(Observed(kidney=-20.0, blood=300.0, liver=2.0), Told(excretory_delay_s=60.0, weight_kg=8.0))
    assert all(np.isfinite([*strange.mean_hu.values(), *strange.sd_hu.values(), *strange.ratio.values()]))
    assert min(strange.sd_hu.values()) > 0


def test_a_later_wanted_phase_has_less_blood_and_a_brighter_medulla() -> None:
    observed = Observed(kidney=60.0, blood=40.0)
    early, late = (estimate(observed, Told(nephrographic_delay_s=delay)) for delay in (85.0, 130.0))
    assert late.mean_hu["blood"] < early.mean_hu["blood"]
    assert late.mean_hu["medulla"] > early.mean_hu["medulla"]


def test_a_measurement_has_noise_and_misses_tissues(patients: Patients) -> None:
    exam, rng = patients.kinetics[0], np.random.default_rng(0)
    measured = [observe(exam, rng) for _ in range(300)]
    kidneys = np.array([one.kidney for one in measured])
    true = exact(exam)["kidney"]
    assert np.median(kidneys) == pytest.approx(true, abs=1.5)
    middle = np.subtract(*np.percentile(kidneys, [75, 25])) / 1.349
    usual = np.sqrt(NOISE_HU**2 + CALIBRATION_HU**2 + (OWN_SD["kidney"] * true) ** 2)
    assert middle == pytest.approx(usual, rel=0.25)
    assert 0.01 < np.mean(np.abs(kidneys - true) > 4 * usual) < 0.06
    assert 0.02 < np.mean([one.blood is None for one in measured]) < 0.1


def test_numbers_are_told_with_a_chance(patients: Patients) -> None:
    rng = np.random.default_rng(0)
    told = [tell(patients.kinetics[0], rng, known=0.4) for _ in range(200)]
    for field in fields(Told):
        assert np.mean([getattr(one, field.name) is not None for one in told]) == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize("value", [0.0, -5.0, np.nan, np.inf])
def test_a_told_number_that_is_not_positive_is_refused_in_words(value: float) -> None:
    with pytest.raises(ValueError, match="weight_kg must be a positive number"):
        replace(Told(), weight_kg=value)


def test_a_measurement_that_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="liver must be a finite number"):
        Observed(liver=np.nan)
    with pytest.raises(ValueError, match="parenchyma_ml must be positive"):
        Observed(parenchyma_ml=-1.0)
