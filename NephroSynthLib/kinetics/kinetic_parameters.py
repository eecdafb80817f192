"""The quantities that determine the enhancement of an exam, or of many exams at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Value = TypeVar("Value", float, Floats)


@dataclass(frozen=True)
class KineticParameters(Generic[Value]):
    """The kinetics of one exam (every value a float) or of many draws (every value an array (draws,)).

    Attributes:
        weight_kg: Body weight.
        iodine_mg: Mass of the injected iodine.
        injection_s: Duration of the injection.
        nephrographic_s: Delay of the nephrographic phase after the start of the injection.
        excretory_s: Delay of the excretory phase after the start of the injection.
        arrival_s: Time from the vein to the heart.
        haematocrit: Share of red cells in blood, which take up no iodine.
        cardiac_output_ml_min: Blood flow from the heart.
        plasma_ml: Plasma volume.
        central_share: Share of the plasma volume in heart, lungs and aorta, where the bolus mixes first.
        interstitial_ml: Interstitial volume open to iodine.
        exchange_ml_min: Plasma-interstitium exchange (permeability surface product).
        venous_transit_s: Mean time from the aorta to the portal vein and to other veins of organs.
        gfr_ml_min: Glomerular filtration rate of both kidneys.
        parenchyma_ml: Volume of the renal parenchyma that shares the filtration.
        renal_blood_share: Share of blood in the renal parenchyma.
        proximal_transit_s: Mean transit time of the proximal tubules.
        distal_transit_s: Mean transit time of the tubules and collecting ducts behind them.
        cortical_uptake: Uptake of the cortex relative to that of the model, about 1.
        medullary_uptake: Uptake of the medulla relative to that of the model, about 1.
        urine_ml_min: Urine flow during the exam.
        urine_delay_s: Time from filtration to the calyces.
        hu_per_mg_ml: Enhancement for each mg of iodine in a ml.
    """

    weight_kg: Value
    iodine_mg: Value
    injection_s: Value
    nephrographic_s: Value
    excretory_s: Value
    arrival_s: Value
    haematocrit: Value
    cardiac_output_ml_min: Value
    plasma_ml: Value
    central_share: Value
    interstitial_ml: Value
    exchange_ml_min: Value
    venous_transit_s: Value
    gfr_ml_min: Value
    parenchyma_ml: Value
    renal_blood_share: Value
    proximal_transit_s: Value
    distal_transit_s: Value
    cortical_uptake: Value
    medullary_uptake: Value
    urine_ml_min: Value
    urine_delay_s: Value
    hu_per_mg_ml: Value


ExamKinetics = KineticParameters[float]
ManyKinetics = KineticParameters[Floats]


def exam_of(draws: ManyKinetics, index: int) -> ExamKinetics:
    """Returns one of many draws as the kinetics of one exam."""
    return KineticParameters(**{field.name: float(getattr(draws, field.name)[index]) for field in fields(draws)})
