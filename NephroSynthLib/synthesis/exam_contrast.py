"""The contrast of an exam as methods are told it: the most likely one, or one drawn for a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.posterior import Estimate
from NephroSynthLib.methods.method import Contrast

LEAST_HU = 1.0


def likely_contrast(estimate: Estimate) -> Contrast:
    """Returns the mean of an estimate, with which a method that is linear in it gives the posterior mean."""
    mean, _, ratio = _arrays(estimate)
    return Contrast(excretory=mean / ratio, nephrographic=mean)


def drawn_contrast(estimate: Estimate, rng: np.random.Generator) -> Contrast:
    """Returns a contrast that is as likely as the estimate says.

    The nephrographic enhancement is drawn. Doubt about it comes from dose, delay and circulation, which change all
    compartments alike, so one random number moves them together. Excretory enhancement was measured and stays.
    """
    mean, sd, ratio = _arrays(estimate)
    return Contrast(excretory=mean / ratio, nephrographic=np.maximum(mean + sd * rng.standard_normal(), LEAST_HU))


def _arrays(estimate: Estimate) -> tuple[NDArray[np.float64], ...]:
    values = estimate.mean_hu, estimate.sd_hu, estimate.ratio
    return tuple(np.array([value[name] for name in COMPARTMENTS]) for value in values)
