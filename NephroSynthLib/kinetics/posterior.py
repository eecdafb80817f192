"""Estimate of the nephrographic enhancement of an exam: a Bayesian fit of the kinetic model.

A fixed set of prior draws is weighted by the likelihood of the measured enhancement. Told numbers replace those of the
draws. Dose, HU per iodine, and uptake of cortex and medulla scale the curves, and noise and uptake of tissues are close
to lognormal. So for each draw the posterior of these scales has a closed form (linear Gaussian in the logarithm), and
the draws carry only the shape of the curves. An error of the calibration of the two phases shifts all tissues alike and
is one more scale. Any one measurement may have failed, so each of these cases is fitted. The estimate is deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS, Enhancement, enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics, Floats, ManyKinetics
from NephroSynthLib.kinetics.priors import (
    HU_PER_IODINE_SD,
    IODINE_SD,
    draw_many,
    draw_parenchyma,
    draw_weights,
    usual_iodine_mg,
)
from NephroSynthLib.kinetics.uptake import ORGAN_UPTAKE, UPTAKE_SD, VENOUS_ORGANS

DRAWS = 1024
LEAST_EFFECTIVE_DRAWS = 40
"""Below this effective sample size the likelihood is flattened, because the exam lies outside the prior."""
NOISE_HU, LEAST_HU = 1.0, 3.0
"""Noise of a measured median, and the least enhancement that a measurement counts as."""
CALIBRATION_HU = 4.0
"""Standard deviation of the offset between the two phases, which all tissues of an exam share."""
FAILED, FAILED_SD = 0.05, 0.7
"""Chance that a measurement shows something else than its tissue, and the deviation that its logarithm then has too."""
DOSE_ERROR, EGFR_ERROR, VOLUME_ERROR = 0.03, 0.15, 0.15
"""Relative errors of a told dose, of a filtration rate estimated from creatinine, and of a measured volume."""
MEASURED_CORTEX = 0.8
"""Share of the cortex in the measured enhancement of a kidney, whose median leans to the more frequent tissue."""
MEASURED_BLOOD = 1.05
"""Measured over true enhancement of blood, because the voxels of the vessels are chosen by their gain."""
OWN_SD = {"kidney": 0.07, "blood": 0.08, "liver": 0.12, "spleen": 0.12, "muscle": 0.23}
"""Standard deviation of the logarithm of a tissue's measured enhancement about that of the model.

It adds to noise and calibration, and holds the tissue's own uptake and the errors of the measurement. The command
`python Testing/Benchmarks/contrast_estimate.py` prints the whole errors, and the ratio of blood, for simulated exams
after real registration.
"""
MISSING = {"kidney": 0.0, "blood": 0.05, "liver": 0.15, "spleen": 0.25, "muscle": 0.1}
"""Chance that a tissue is not found in an exam."""


@dataclass(frozen=True)
class Told:
    """Numbers that a user or a header tells; None if unknown.

    Attributes:
        excretory_delay_s: Seconds from the start of the injection to the excretory phase.
        nephrographic_delay_s: The same to the nephrographic phase that is wanted.
        weight_kg: Body weight.
        iodine_mg: Mass of the injected iodine.
        egfr_ml_min: Filtration rate of both kidneys, as estimated from creatinine.

    Raises:
        ValueError: A number is not positive or not finite.
    """

    excretory_delay_s: float | None = None
    nephrographic_delay_s: float | None = None
    weight_kg: float | None = None
    iodine_mg: float | None = None
    egfr_ml_min: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ValueError(f"{field.name} must be a positive number, got {value}")


@dataclass(frozen=True)
class Observed:
    """Median enhancement (excretory minus non-contrast phase, HU) of tissues of an exam; None if not measured.

    Attributes:
        kidney: Renal parenchyma, cortex and medulla together, without collecting system and cysts.
        blood: Aorta.
        liver: Liver.
        spleen: Spleen.
        muscle: Muscle of the back.
        parenchyma_ml: Volume of the renal parenchyma of both kidneys.

    Raises:
        ValueError: An enhancement is not finite, or the volume is not positive.
    """

    kidney: float | None = None
    blood: float | None = None
    liver: float | None = None
    spleen: float | None = None
    muscle: float | None = None
    parenchyma_ml: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not np.isfinite(value):
                raise ValueError(f"{field.name} must be a finite number, got {value}")
        if self.parenchyma_ml is not None and self.parenchyma_ml <= 0:
            raise ValueError(f"parenchyma_ml must be positive, got {self.parenchyma_ml}")


@dataclass(frozen=True)
class Estimate:
    """The estimated enhancement of the nephrographic phase, by compartment (see `COMPARTMENTS`).

    Attributes:
        mean_hu: Posterior mean in HU.
        sd_hu: Posterior standard deviation in HU.
        ratio: Posterior mean of nephrographic over excretory enhancement.
    """

    mean_hu: Mapping[str, float]
    sd_hu: Mapping[str, float]
    ratio: Mapping[str, float]


class _Fit(NamedTuple):
    """The scales of the curves when no measurement has failed, or when a certain one has.

    Attributes:
        log_weights: Logarithm of the likelihood of each draw and of this case, (draws,).
        shift: Mean of the logarithm of the scale of each compartment, (draws, compartment).
        variance: Variance of this logarithm, (compartment,).
    """

    log_weights: Floats
    shift: Floats
    variance: Floats


def estimate(observed: Observed, told: Told) -> Estimate:
    """Estimates the nephrographic enhancement of an exam.

    Args:
        observed: Measured enhancement of the excretory phase.
        told: Numbers that are known about the exam.

    Returns:
        Mean and standard deviation of each compartment; those of the prior if nothing is known.

    Example:
        >>> estimate(Observed(kidney=62, blood=45), Told(excretory_delay_s=480)).mean_hu["cortex"]
    """
    draws = _conditioned(observed, told)
    phases = enhancement(draws, np.stack([draws.nephrographic_s, draws.excretory_s], axis=1))
    shapes = np.stack([getattr(phases, name) for name in COMPARTMENTS], axis=1)  # (draw, compartment, phase)
    nephrographic, excretory = np.maximum(shapes, 1e-3).transpose(2, 0, 1)
    fits = _fits(observed, told, _tissues(phases, 1), phases.cortex[:, 1])
    weights = _weights(np.stack([fit.log_weights for fit in fits]) + _filtration_likelihood(draws, told))
    variance = np.stack([fit.variance for fit in fits])[:, None]
    hu = nephrographic * np.exp(np.stack([fit.shift for fit in fits]) + variance / 2)  # (fit, draw, compartment)
    mean = np.einsum("fd,fdc->c", weights, hu)
    sd = np.sqrt(np.maximum(np.einsum("fd,fdc->c", weights, hu**2 * np.exp(variance)) - mean**2, 0))
    ratio = weights.sum(axis=0) @ (nephrographic / excretory)
    return Estimate(*(dict(zip(COMPARTMENTS, map(float, values), strict=True)) for values in (mean, sd, ratio)))


def _fits(observed: Observed, told: Told, tissues: Mapping[str, Floats], cortex: Floats) -> list[_Fit]:
    """Returns the posterior of the scales for each case of a failed measurement.

    Args:
        observed: Measured enhancement.
        told: Numbers that are known about the exam.
        tissues: Enhancement of the tissues in the draws, (draws,) each.
        cortex: That of the cortex.
    """
    names = [name for name in tissues if getattr(observed, name) is not None]
    measured = np.maximum([float(getattr(observed, name)) for name in names], LEAST_HU)
    cortical = float(np.mean(MEASURED_CORTEX * cortex / tissues["kidney"]))
    # Scales: dose and HU per iodine, uptake of the cortex, uptake of the medulla, offset between the phases.
    dose_sd = IODINE_SD if told.iodine_mg is None else DOSE_ERROR
    prior = np.diag([dose_sd**2 + HU_PER_IODINE_SD**2, UPTAKE_SD**2, UPTAKE_SD**2, CALIBRATION_HU**2])
    on_targets = np.array([[1, name == "cortex", name == "medulla", 0] for name in COMPARTMENTS], float)
    renal = np.array([name == "kidney" for name in names], float)
    on_observed = np.stack([np.ones(len(names)), cortical * renal, (1 - cortical) * renal, 1 / measured], axis=1)
    own = np.array([OWN_SD[name] for name in names]) ** 2 + (NOISE_HU / measured) ** 2
    residual = np.log(measured) - np.log([np.maximum(tissues[name], 1e-3) for name in names]).reshape(-1, DRAWS).T
    fits = []
    for failed in (-1, *range(len(names))):
        error = own + FAILED_SD**2 * (np.arange(len(names)) == failed)
        covariance = on_observed @ prior @ on_observed.T + np.diag(error)
        inverse = np.linalg.inv(covariance)
        gain = on_targets @ prior @ on_observed.T @ inverse
        chance = 1 - FAILED * len(names) if failed < 0 else FAILED
        misfit = np.einsum("di,ij,dj->d", residual, inverse, residual) + np.linalg.slogdet(covariance)[1]
        spread = on_targets @ prior @ on_targets.T - gain @ on_observed @ prior @ on_targets.T
        fits.append(_Fit(np.log(chance) - 0.5 * misfit, residual @ gain.T, np.diag(spread)))
    return fits


def observe(parameters: ExamKinetics, rng: np.random.Generator) -> Observed:
    """Simulates the measurement of an exam's excretory enhancement.

    Args:
        parameters: The kinetics of the exam.
        rng: Source of the tissues' own uptake, of noise, calibration and failures, and of missing tissues.

    Returns:
        The measurement; the kidneys are always found.
    """
    tissues = _tissues(enhancement(parameters, np.array([parameters.excretory_s])), 0)
    measured: dict[str, float | None] = {}
    offset = CALIBRATION_HU * rng.standard_normal()
    for name, hu in tissues.items():
        found, failed = rng.random() >= MISSING[name], rng.random() < FAILED
        uptake, failure, noise = rng.standard_normal(3) * [OWN_SD[name], FAILED_SD * failed, NOISE_HU]
        measured[name] = float(hu * np.exp(uptake + failure) + noise + offset) if found else None
    volume = parameters.parenchyma_ml * np.exp(VOLUME_ERROR * rng.standard_normal())
    return Observed(**measured, parenchyma_ml=float(volume))


def tell(parameters: ExamKinetics, rng: np.random.Generator, known: float = 1.0) -> Told:
    """Draws the numbers that are told about an exam, each with the chance `known`, with their usual errors."""
    dose, filtration = np.exp(rng.standard_normal(2) * [DOSE_ERROR, EGFR_ERROR])
    told = {
        "excretory_delay_s": parameters.excretory_s,
        "nephrographic_delay_s": parameters.nephrographic_s,
        "weight_kg": parameters.weight_kg,
        "iodine_mg": parameters.iodine_mg * dose,
        "egfr_ml_min": parameters.gfr_ml_min * filtration,
    }
    kept = rng.random(len(told)) < known
    return Told(**{name: float(value) for (name, value), keep in zip(told.items(), kept, strict=True) if keep})


def _tissues(result: Enhancement, time: int) -> dict[str, Floats]:
    """Returns the enhancement of the observed tissues at one of the times, as it is measured on average."""
    cortex, medulla = result.cortex[..., time], result.medulla[..., time]
    found = {"kidney": MEASURED_CORTEX * cortex + (1 - MEASURED_CORTEX) * medulla}
    for name, (blood, interstitium) in ORGAN_UPTAKE.items():
        vessels = result.veins if name in VENOUS_ORGANS else result.blood
        found[name] = blood * vessels[..., time] + interstitium * result.interstitium[..., time]
    found["blood"] = MEASURED_BLOOD * found["blood"]
    return found


@cache
def _people() -> tuple[Floats, Floats]:
    """Returns the weights in kg and the parenchyma volumes in ml of the prior draws."""
    rng = np.random.default_rng(1)
    return draw_weights(rng, DRAWS), draw_parenchyma(rng, DRAWS)


def _conditioned(observed: Observed, told: Told) -> ManyKinetics:
    """Returns the prior draws with told numbers in place, and with scales of the curves at their medians."""
    weight, parenchyma = _people()
    weight = weight if told.weight_kg is None else np.full(DRAWS, told.weight_kg)
    parenchyma = parenchyma if observed.parenchyma_ml is None else np.full(DRAWS, observed.parenchyma_ml)
    draws = draw_many(np.random.default_rng(0), parenchyma, weight)
    ones = np.ones(DRAWS)
    known = {
        "excretory_s": told.excretory_delay_s,
        "nephrographic_s": told.nephrographic_delay_s,
        "iodine_mg": told.iodine_mg,
    }
    return replace(
        draws,
        cortical_uptake=ones,
        medullary_uptake=ones,
        hu_per_mg_ml=25.0 * ones,
        **{"iodine_mg": usual_iodine_mg(weight)}
        | {name: value * ones for name, value in known.items() if value is not None},
    )


def _filtration_likelihood(draws: ManyKinetics, told: Told) -> Floats:
    """Returns the logarithm of the likelihood of a told filtration rate for each draw."""
    if told.egfr_ml_min is None:
        return np.zeros(DRAWS)
    return -0.5 * (np.log(draws.gfr_ml_min / told.egfr_ml_min) / EGFR_ERROR) ** 2


def _weights(log_weights: Floats) -> Floats:
    """Returns normalized weights, (fit, draw), flattened until enough draws count."""
    flat = 1.0
    while True:
        weights = np.exp(flat * (log_weights - log_weights.max()))
        weights /= weights.sum()
        if 1 / np.sum(weights.sum(axis=0) ** 2) >= LEAST_EFFECTIVE_DRAWS:
            return np.asarray(weights)
        flat *= 0.8
