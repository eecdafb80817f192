"""Enhancement by contrast kinetics: one bolus gives every tissue its attenuation in all phases.

The bolus mixes in heart, lungs and aorta, then circulates through the rest of the plasma, which exchanges iodine with
the interstitium (compartments in series as in Bae et al., Radiology 1998;207:647-655). Iodine leaves by glomerular
filtration. The kidney holds it in blood, in proximal tubules (cortex), and in the tubules behind them, which lie in
both cortex and medulla (filtration model of Sourbron et al., Invest Radiol 2008;43:40-48, with tubules in series as in
Lee et al., Am J Physiol Renal 2007;292:F1548-F1559). Enhancement is proportional to iodine, about 25 HU per mg/ml at
120 kVp (Bae, Radiology 2010;256:32-61).

The equations are linear with constant coefficients, so the response to an injection of constant rate is a sum of
exponentials. This module evaluates that sum for any number of draws at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics, Floats, KineticParameters, ManyKinetics

CORTEX_SHARE = 0.65
"""Share of the cortex in the renal parenchyma."""
DISTAL_IN_CORTEX = 0.48
"""Share of the iodine behind the proximal tubules that is in the cortex: distal tubules, cortical collecting ducts."""
CORTEX_BLOOD, MEDULLA_BLOOD = 1.27, 0.5
"""Blood share of cortex and medulla relative to that of the whole parenchyma."""
COMPARTMENTS = ("blood", "interstitium", "cortex", "medulla", "veins")
"""The parts of `Enhancement` of which every tissue but urine is a mixture."""
_APART = 1e-5


@dataclass(frozen=True)
class Enhancement:
    """Iodine enhancement in HU, each (times,) for one exam and (draws, times) for many.

    Attributes:
        blood: Blood of aorta and arteries.
        veins: Blood of veins and of organs behind the arteries; later and smoother, the same after the first pass.
        interstitium: Interstitial fluid.
        cortex: Renal cortex.
        medulla: Renal medulla.
        urine: Fresh urine in the calyces.
    """

    blood: Floats
    veins: Floats
    interstitium: Floats
    cortex: Floats
    medulla: Floats
    urine: Floats


def enhancement(parameters: ExamKinetics | ManyKinetics, times_s: NDArray[np.floating]) -> Enhancement:
    """Solves the kinetics in closed form.

    Args:
        parameters: The kinetics of one exam or of many draws.
        times_s: Seconds after the start of the injection, (times,), or (draws, times) with times of each draw.

    Returns:
        Enhancement of blood, interstitial fluid, renal cortex, renal medulla and fresh urine.

    Example:
        >>> enhancement(exam_kinetics, np.array([30.0, 100.0, 600.0])).cortex  # corticomedullary phase first
    """
    p = _columns(parameters)
    poles, arterial, interstitial = _circulation(p)
    since = np.asarray(times_s, float) - p.arrival_s
    proximal, distal, portal = -1 / p.proximal_transit_s, -1 / p.distal_transit_s, -2 / p.venous_transit_s
    tanks = _apart([*poles, proximal, distal, portal, portal])
    held = [_held(rate, since, p.injection_s) for rate in tanks]
    injected = p.iodine_mg / p.injection_s
    plasma = injected * _behind(arterial, tanks, held, [])
    filtered = injected * p.gfr_ml_min / 60 / p.parenchyma_ml
    in_proximal = filtered * _behind(arterial, tanks, held, [3])
    in_distal = -proximal * filtered * _behind(arterial, tanks, held, [3, 4])
    in_cortex = (in_proximal + DISTAL_IN_CORTEX * in_distal) / CORTEX_SHARE
    in_medulla = (1 - DISTAL_IN_CORTEX) * in_distal / (1 - CORTEX_SHARE)
    red = 1 - p.haematocrit
    renal = p.renal_blood_share * red * plasma
    before = [_held(rate, since - p.urine_delay_s, p.injection_s) for rate in poles]
    scale = p.hu_per_mg_ml
    return Enhancement(
        blood=scale * red * plasma,
        veins=scale * red * injected * portal**2 * _behind(arterial, tanks, held, [5, 6]),
        interstitium=scale * injected * _behind(interstitial, tanks, held, []),
        cortex=scale * p.cortical_uptake * (CORTEX_BLOOD * renal + in_cortex),
        medulla=scale * p.medullary_uptake * (MEDULLA_BLOOD * renal + in_medulla),
        urine=scale * p.gfr_ml_min / p.urine_ml_min * injected * _behind(arterial, tanks, before, []),
    )


def _columns(parameters: ExamKinetics | ManyKinetics) -> ManyKinetics:
    """Returns the parameters with an axis for the times."""
    values = {field.name: np.asarray(getattr(parameters, field.name), float)[..., None] for field in fields(parameters)}
    return KineticParameters(**values)


def _circulation(p: ManyKinetics) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Returns the poles of the circulation, and the weights of the poles in arterial plasma and in the interstitium.

    Three compartments in series: central plasma (filtered), peripheral plasma, interstitium. Scaled by the roots of
    their volumes, their matrix is symmetric and tridiagonal, so its three eigenvalues are real and distinct
    (trigonometric solution of the cubic).
    """
    flow = p.cardiac_output_ml_min / 60 * (1 - p.haematocrit)
    exchange, lost = p.exchange_ml_min / 60, p.gfr_ml_min / 60
    central, peripheral = p.central_share * p.plasma_ml, (1 - p.central_share) * p.plasma_ml
    a, b, c = -(flow + lost) / central, -(flow + exchange) / peripheral, -exchange / p.interstitial_ml
    first, second = flow / np.sqrt(central * peripheral), exchange / np.sqrt(peripheral * p.interstitial_ml)
    middle = (a + b + c) / 3
    spread = np.sqrt(((a - middle) ** 2 + (b - middle) ** 2 + (c - middle) ** 2 + 2 * (first**2 + second**2)) / 6)
    x, y, z = ((value - middle) / spread for value in (a, b, c))
    f, g = first / spread, second / spread
    determinant = x * (y * z - g**2) - f**2 * z
    angle = np.arccos(np.clip(determinant / 2, -1, 1)) / 3
    poles = [middle + 2 * spread * np.cos(angle + 2 * np.pi * turn / 3) for turn in range(3)]
    arterial, interstitial = [], []
    for index, pole in enumerate(poles):
        others = [other for number, other in enumerate(poles) if number != index]
        apart = (pole - others[0]) * (pole - others[1])
        arterial.append(((pole - b) * (pole - c) - second**2) / apart / central)
        interstitial.append(first * second / apart / np.sqrt(central * p.interstitial_ml))
    return poles, arterial, interstitial


def _apart(rates: list[Floats]) -> list[Floats]:
    """Returns the rates of tanks, moved apart a little where two are equal, as the partial fractions need."""
    distinct: list[Floats] = []
    for rate in rates:
        for other in distinct:
            rate = np.where(np.abs(rate - other) < _APART * np.abs(other), rate + 3 * _APART * other, rate)
        distinct.append(rate)
    return distinct


def _behind(weights: list[Floats], tanks: list[Floats], held: list[Floats], chain: list[int]) -> Floats:
    """Returns the response behind a chain of tanks that the circulation feeds, by partial fractions.

    Args:
        weights: Weights of the first three tanks, the poles of the circulation.
        tanks: Rates of all tanks, distinct.
        held: Response of each tank to the injection.
        chain: Indices of the tanks of the chain.
    """
    total = np.zeros(())
    for index, weight in enumerate(weights):
        for tank in chain:
            weight = weight / (tanks[index] - tanks[tank])
        total = total + weight * held[index]
    for tank in chain:
        gain = sum((weight / (tanks[tank] - tanks[index]) for index, weight in enumerate(weights)), np.zeros(()))
        for other in chain:
            if other != tank:
                gain = gain / (tanks[tank] - tanks[other])
        total = total + gain * held[tank]
    return np.asarray(total)


def _held(rate: Floats, times: Floats, duration: Floats) -> Floats:
    """Returns the response of a tank of a rate (negative) to an inflow of 1 from time 0 for a duration."""
    rate = np.where(np.abs(rate) < 1e-12, -1e-12, rate)
    since_end = np.maximum(times - duration, 0)
    return np.asarray((np.expm1(rate * np.maximum(times, 0)) - np.expm1(rate * since_end)) / rate)
