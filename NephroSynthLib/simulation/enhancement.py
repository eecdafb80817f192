"""Enhancement by contrast kinetics: one bolus gives every tissue its attenuation in all three phases.

Iodine spreads over plasma and interstitium (two compartments, Bae et al., Radiology 1998;207:647-655, reduced to the
times after the first pass) and leaves by glomerular filtration. The kidney holds it in blood and in tubules with a mean
transit time each (two-compartment filtration model, Sourbron et al., Invest Radiol 2008;43:40-48, with a medullary
tubule behind the cortical one as in Lee et al., Am J Physiol Renal 2007;292:F1548-F1559). Enhancement is proportional
to iodine, about 25 HU per mg/ml at 120 kVp (Bae, Radiology 2010;256:32-61).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEP_S = 1.0


@dataclass(frozen=True)
class KineticParameters:
    """The quantities that determine the enhancement of one exam.

    Attributes:
        weight_kg: Body weight.
        iodine_mg: Iodine given.
        injection_s: Duration of the injection.
        nephrographic_s: Delay of the nephrographic phase after the start of the injection.
        excretory_s: Delay of the excretory phase after the start of the injection.
        arrival_s: Time from the vein to the abdominal aorta.
        haematocrit: Share of red cells in blood, which take no iodine.
        plasma_ml: Plasma volume.
        interstitial_ml: Interstitial volume open to iodine.
        exchange_ml_min: Plasma-interstitium exchange (permeability surface product).
        gfr_ml_min: Glomerular filtration rate of both kidneys.
        parenchyma_ml: Volume of renal parenchyma that shares the filtration.
        cortical_transit_s: Mean transit time of the cortical tubules.
        medullary_transit_s: Mean transit time of the medullary tubules.
        urine_ml_min: Urine flow during the exam.
        urine_delay_s: Time from filtration to the calyces.
        hu_per_mg_ml: Enhancement for each mg of iodine in a ml.
    """

    weight_kg: float
    iodine_mg: float
    injection_s: float
    nephrographic_s: float
    excretory_s: float
    arrival_s: float
    haematocrit: float
    plasma_ml: float
    interstitial_ml: float
    exchange_ml_min: float
    gfr_ml_min: float
    parenchyma_ml: float
    cortical_transit_s: float
    medullary_transit_s: float
    urine_ml_min: float
    urine_delay_s: float
    hu_per_mg_ml: float


@dataclass(frozen=True)
class Enhancement:
    """Iodine enhancement in HU at some times after the start of the injection, each (times,)."""

    blood: NDArray[np.float64]
    interstitium: NDArray[np.float64]
    cortex: NDArray[np.float64]
    medulla: NDArray[np.float64]
    urine: NDArray[np.float64]


def draw_parameters(
    rng: np.random.Generator, parenchyma_ml: float, renal_function: float, weight_kg: float
) -> KineticParameters:
    """Draws an exam's kinetics.

    Args:
        rng: Source of randomness.
        parenchyma_ml: Renal parenchyma of the patient.
        renal_function: Filtration relative to a healthy adult, 0.2 to 1.2.
        weight_kg: Body weight.

    Returns:
        Parameters whose spread is somewhat wider than clinical practice.
    """
    iodine = float(np.clip(rng.normal(32000 + 80 * (weight_kg - 75), 6000), 18000, 52000))
    return KineticParameters(
        weight_kg=weight_kg,
        iodine_mg=iodine,
        injection_s=float(rng.uniform(25, 50)),
        nephrographic_s=float(rng.uniform(80, 120)),
        excretory_s=float(rng.uniform(300, 900)),
        arrival_s=float(rng.uniform(12, 25)),
        haematocrit=float(rng.uniform(0.33, 0.48)),
        plasma_ml=weight_kg**0.75 * float(rng.uniform(105, 145)),
        interstitial_ml=weight_kg * float(rng.uniform(120, 180)),
        exchange_ml_min=float(rng.lognormal(np.log(550), 0.2)),
        gfr_ml_min=max(12.0, float(rng.normal(105, 15)) * renal_function * (parenchyma_ml / 330.0) ** 0.5),
        parenchyma_ml=parenchyma_ml,
        cortical_transit_s=float(rng.uniform(45, 85)),
        medullary_transit_s=float(rng.uniform(25, 50)),
        urine_ml_min=float(rng.lognormal(np.log(4.0), 0.6)),
        urine_delay_s=float(rng.uniform(90, 165)),
        hu_per_mg_ml=float(rng.uniform(22, 30)),
    )


def enhancement(parameters: KineticParameters, times_s: NDArray[np.floating]) -> Enhancement:
    """Solves the kinetics by forward Euler steps of one second.

    Args:
        parameters: The exam's kinetics.
        times_s: (times,) seconds after the start of the injection.

    Returns:
        Enhancement of blood, interstitial fluid, renal cortex, renal medulla and fresh urine.
    """
    p = parameters
    steps = int(np.ceil(float(np.max(times_s)) / _STEP_S)) + 2
    gfr, exchange = p.gfr_ml_min / 60.0, p.exchange_ml_min / 60.0
    filtration = gfr / p.parenchyma_ml
    cortex_share, medulla_share = 0.65, 0.35
    plasma = interstitium = cortical_tubule = medullary_tubule = 0.0
    history = np.zeros((steps, 4))
    for i in range(1, steps):
        t = i * _STEP_S
        injected = p.iodine_mg / p.injection_s if p.arrival_s <= t < p.arrival_s + p.injection_s else 0.0
        exchanged = exchange * (plasma - interstitium)
        to_medulla = cortical_tubule / p.cortical_transit_s
        to_urine = medullary_tubule / p.medullary_transit_s
        cortical_tubule += _STEP_S * (filtration * plasma / cortex_share - to_medulla)
        medullary_tubule += _STEP_S * (to_medulla * cortex_share / medulla_share - to_urine)
        plasma += _STEP_S * (injected - exchanged - gfr * plasma) / p.plasma_ml
        interstitium += _STEP_S * exchanged / p.interstitial_ml
        history[i] = plasma, interstitium, cortical_tubule, medullary_tubule
    clock = np.arange(steps) * _STEP_S
    plasma_at, interstitium_at, cortex_at, medulla_at = (np.interp(times_s, clock, history[:, k]) for k in range(4))
    blood = (1.0 - p.haematocrit) * plasma_at
    filtered = np.interp(np.asarray(times_s) - p.urine_delay_s, clock, history[:, 0], left=0.0)
    urine = p.gfr_ml_min * filtered / p.urine_ml_min
    scale = p.hu_per_mg_ml
    return Enhancement(
        blood=scale * blood,
        interstitium=scale * interstitium_at,
        cortex=scale * (0.45 * blood + 1.30 * cortex_at),
        medulla=scale * (0.25 * blood + 1.90 * medulla_at),
        urine=scale * urine,
    )
