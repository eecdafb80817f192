"""Priors of the kinetics: random patients and protocols, no wider than physiology and practice.

Sources, by quantity:

- Weight, iodine, injection and delays: adult CT urography in practice, 300 to 600 mg of iodine per kg at 3 to 4 ml/s
  (Van Der Molen et al., Eur Radiol 2008;18:4-17).
- Plasma volume, about 3 l at 75 kg, and haematocrit: Nadler et al., Surgery 1962;51:224-232.
- Cardiac output and mixing volumes: Bae et al., Radiology 1998;207:647-655. With them the renal artery takes up 240 to
  288 HU at 5 to 15 s after the trigger (Goshima et al., Eur J Radiol 2007;63:420-426, 128 patients).
- Renal clearance of whole blood 0.49 ± 0.11 ml/min in a ml of kidney: Tsushima, Eur J Radiol 1999;30:191-197.
- Renal blood share 0.28 to 0.31: Miles et al., Invest Radiol 1991, dynamic CT of normal kidneys.
- Transit times: chosen so that the cortex takes up 195 to 217 HU at 10 to 30 s after the trigger, the medulla 145 HU
  at 55 s, and their difference falls below 30 HU at 45 s (Goshima et al. 2007). Their sum agrees with the renal transit
  time of two to four minutes of renography (Zhang et al., Magn Reson Med 2008;59:278-288).
- HU per mg/ml: Bae, Radiology 2010;256:32-61, about 25 at 120 kVp.
"""

from __future__ import annotations

import numpy as np

from NephroSynthLib.kinetics.kinetic_parameters import (
    ExamKinetics,
    Floats,
    KineticParameters,
    ManyKinetics,
    exam_of,
)
from NephroSynthLib.kinetics.uptake import UPTAKE_SD

NEPHROGRAPHIC_S, EXCRETORY_S = (80.0, 120.0), (300.0, 900.0)
"""Shortest and longest delays."""
IODINE_SD, HU_PER_IODINE_SD = 0.18, 0.08
"""Standard deviations of the logarithms of the iodine at a weight, and of the HU per mg/ml."""


def draw_weights(rng: np.random.Generator, draws: int) -> Floats:
    """Draws body weights in kg, (draws,)."""
    return np.clip(rng.normal(78, 17, draws), 40, 150)


def draw_parenchyma(rng: np.random.Generator, draws: int) -> Floats:
    """Draws volumes of the renal parenchyma of both kidneys in ml, (draws,)."""
    return np.clip(330 * np.exp(0.22 * rng.standard_normal(draws)), 120, 650)


def usual_iodine_mg(weight_kg: Floats) -> Floats:
    """Returns the usual (median) dose of iodine at a weight, in mg."""
    return 33000 * (weight_kg / 75) ** 0.4


def draw_many(rng: np.random.Generator, parenchyma_ml: Floats, weight_kg: Floats) -> ManyKinetics:
    """Draws the kinetics of many exams.

    Args:
        rng: Source of randomness; the same seed gives the same draws for any parenchyma and weight, except for the
            quantities that follow from these.
        parenchyma_ml: Renal parenchyma of each patient, (draws,).
        weight_kg: Body weight of each patient, (draws,).

    Returns:
        The parameters of the draws.
    """
    n = len(weight_kg)

    def normal(mean: float, deviation: float) -> Floats:
        return mean + deviation * np.clip(rng.standard_normal(n), -2.5, 2.5)

    def spread(median: Floats | float, deviation: float) -> Floats:
        return np.asarray(median * np.exp(normal(0.0, deviation)))

    iodine = spread(usual_iodine_mg(weight_kg), IODINE_SD)
    haematocrit = normal(0.42, 0.035)
    clearance = np.maximum(normal(0.49, 0.11), 0.1)
    return KineticParameters(
        weight_kg=weight_kg,
        iodine_mg=iodine,
        injection_s=rng.uniform(25, 40, n),
        nephrographic_s=rng.uniform(*NEPHROGRAPHIC_S, n),
        excretory_s=rng.uniform(*EXCRETORY_S, n),
        arrival_s=rng.uniform(10, 20, n),
        haematocrit=haematocrit,
        cardiac_output_ml_min=spread(6600 * (weight_kg / 75) ** 0.5, 0.15),
        plasma_ml=spread(120 * weight_kg**0.75, 0.08),
        central_share=spread(0.085, 0.15),
        interstitial_ml=spread(150 * weight_kg, 0.1),
        exchange_ml_min=spread(550.0, 0.2),
        venous_transit_s=rng.uniform(20, 30, n),
        gfr_ml_min=clearance * (1 - haematocrit) * parenchyma_ml,
        parenchyma_ml=parenchyma_ml,
        renal_blood_share=normal(0.295, 0.01),
        proximal_transit_s=spread(15.0, 0.15),
        distal_transit_s=spread(105.0, 0.15),
        cortical_uptake=spread(1.0, UPTAKE_SD),
        medullary_uptake=spread(1.0, UPTAKE_SD),
        urine_ml_min=spread(4.0, 0.6),
        urine_delay_s=rng.uniform(90, 165, n),
        hu_per_mg_ml=spread(25.0, HU_PER_IODINE_SD),
    )


def draw_parameters(rng: np.random.Generator, parenchyma_ml: float, weight_kg: float) -> ExamKinetics:
    """Draws the kinetics of one exam, for the renal parenchyma (ml, both kidneys) and the weight of a patient."""
    return exam_of(draw_many(rng, np.array([parenchyma_ml]), np.array([weight_kg])), 0)
