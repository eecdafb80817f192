"""The contrast of an exam as methods are told it: the most likely one, or one of several that are equally likely."""

from __future__ import annotations

from statistics import NormalDist

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


def spread_contrasts(estimate: Estimate, count: int, rng: np.random.Generator) -> list[Contrast]:
    """Returns contrasts that share out an estimate: each stands for an equal part of its probability.

    The nephrographic enhancement varies. Doubt about it comes from dose, delay and circulation, which change all
    compartments alike, so one number moves them together. Excretory enhancement was measured and stays.
    Independent draws of a few would have a mean and a spread far from those of the estimate. These have both exactly,
    unless an enhancement would be below `LEAST_HU`.

    Args:
        estimate: The estimate.
        count: Contrasts, at least two.
        rng: Source of their order.
    """
    mean, sd, ratio = _arrays(estimate)
    quantiles = np.array([NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)])
    scores = rng.permutation(quantiles / quantiles.std(ddof=1))
    return [Contrast(excretory=mean / ratio, nephrographic=np.maximum(mean + sd * score, LEAST_HU)) for score in scores]


def _arrays(estimate: Estimate) -> tuple[NDArray[np.float64], ...]:
    values = estimate.mean_hu, estimate.sd_hu, estimate.ratio
    return tuple(np.array([value[name] for name in COMPARTMENTS]) for value in values)
