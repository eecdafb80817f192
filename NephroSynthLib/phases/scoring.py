"""The probability of each phase for each acquisition, from the evidence about all acquisitions of an exam.

Each assignment of phases to acquisitions has a probability: the product of the likelihoods of each acquisition's own
evidence and of each comparison of two acquisitions. The probability of a phase is the sum over all assignments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.phases.evidence import PHASES, Evidence, Phase, log_likelihood
from NephroSynthLib.phases.pixel_evidence import Comparison

Scores = NDArray[np.float64]

MAX_ACQUISITIONS = 8
_PRIOR: Mapping[Phase, float] = {Phase.OTHER: -1.5}
_TWICE = -1.5
# Measured on simulated exams (seeds 920000 to 920015; the corticomedullary phase was painted on the non-contrast one):
# brightness of the brightest tissue over that without contrast (HU), and logarithm of the urine that is dense.
_GAINS: Mapping[Phase, float] = {
    Phase.NONCONTRAST: 0.0,
    Phase.EXCRETORY: 75.0,
    Phase.NEPHROGRAPHIC: 150.0,
    Phase.CORTICOMEDULLARY: 190.0,
}
_URINE: Mapping[Phase, float] = {**dict.fromkeys(_GAINS, 0.0), Phase.EXCRETORY: 1.8}
# HU by which 60 ml of tissue are brighter in the first phase than in the second (mean and standard deviation). Between
# the corticomedullary phase and the later ones both gain: medulla, veins and liver brighten, aorta and cortex fade.
_WIDE_GAINS: Mapping[tuple[Phase, Phase], tuple[float, float]] = {
    (Phase.CORTICOMEDULLARY, Phase.NONCONTRAST): (95.0, 40.0),
    (Phase.NEPHROGRAPHIC, Phase.NONCONTRAST): (140.0, 60.0),
    (Phase.EXCRETORY, Phase.NONCONTRAST): (65.0, 40.0),
    (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC): (35.0, 25.0),
    (Phase.NEPHROGRAPHIC, Phase.CORTICOMEDULLARY): (58.0, 22.0),
    (Phase.CORTICOMEDULLARY, Phase.EXCRETORY): (65.0, 40.0),
    (Phase.EXCRETORY, Phase.CORTICOMEDULLARY): (22.0, 9.0),
    (Phase.NEPHROGRAPHIC, Phase.EXCRETORY): (70.0, 32.0),
    (Phase.EXCRETORY, Phase.NEPHROGRAPHIC): (12.0, 9.0),
}
_BY_CHANCE = (4.0, 7.0)
_NARROW, _WIDE = (0.66, 0.17), (0.88, 0.09)
_LEAST_GAIN = 30.0
_GAIN_RANGE, _URINE_RANGE, _BREADTH_RANGE = (400.0, 0.05), (6.0, 0.01), (1.0, 0.05)
# HU by which the kidneys are brighter than without contrast. Cortex and medulla together, they are brightest in the
# nephrographic phase; the corticomedullary phase is the most varied.
_KIDNEY_GAINS: Mapping[Phase, float] = {
    Phase.NONCONTRAST: 0.0,
    Phase.EXCRETORY: 64.0,
    Phase.CORTICOMEDULLARY: 105.0,
    Phase.NEPHROGRAPHIC: 121.0,
}
_KIDNEY_RANGE = 400.0, 0.003
# The figures of a comparison depend on each other, so each counts for less than it would alone. Where the kidneys are
# known, the rest of the body counts for even less and decides nothing alone, because contrast in the bowel moves.
_PAIR_TRUST, _TRUST_BESIDE_KIDNEYS, _MOST_BESIDE_KIDNEYS = 0.75, 0.55, 4.0
_UNRELATED = 1.0


@dataclass(frozen=True)
class Pair:
    """The comparison of acquisition `first` with acquisition `second`."""

    first: int
    second: int
    comparison: Comparison


def phase_probabilities(evidence: Sequence[Sequence[Evidence]], pairs: Sequence[Pair]) -> Scores:
    """Computes the probability of each phase for each acquisition.

    Args:
        evidence: The evidence of each acquisition alone; at most `MAX_ACQUISITIONS` acquisitions.
        pairs: Comparisons of two of them.

    Returns:
        (acquisitions, phases), in the order of `PHASES`; each row sums to 1.
    """
    count = len(evidence)
    score = np.zeros((len(PHASES),) * count)
    for index, found in enumerate(evidence):
        own = [_PRIOR.get(phase, 0.0) + sum(one.weight(phase) for one in found) for phase in PHASES]
        score += _along(np.array(own), (index,), count)
    for pair in pairs:
        weights = pair_weights(pair.comparison) * 2 / count
        score += _along(weights, (pair.first, pair.second), count)
    for first in range(count):
        for second in range(first + 1, count):
            score += _along(_TWICE / (count - 1) * _same_phase(), (first, second), count)
    probability = np.exp(score - score.max())
    probability /= probability.sum()
    others = (tuple(axis for axis in range(count) if axis != index) for index in range(count))
    return np.stack([probability.sum(axis=axes) for axes in others])


def pair_weights(comparison: Comparison) -> Scores:
    """Returns the log-likelihood of a comparison for each phase of the first and of the second acquisition.

    A comparison says nothing about `OTHER`, so its weight is slightly below that of the phase that fits best.
    """
    known = [phase for phase in PHASES if phase is not Phase.OTHER]
    body = np.array([[_body_weight(comparison, one, other) for other in known] for one in known])
    if comparison.kidney_gain is None:
        weights = _PAIR_TRUST * body
    else:
        gain = comparison.kidney_gain
        kidneys = np.array([[_kidney_weight(gain, one, other) for other in known] for one in known])
        body *= _TRUST_BESIDE_KIDNEYS
        weights = np.maximum(body, body.max() - _MOST_BESIDE_KIDNEYS) + _PAIR_TRUST * kidneys
    weights = np.vstack([weights, weights.max(axis=0) - _UNRELATED])
    return np.hstack([weights, weights.max(axis=1, keepdims=True) - _UNRELATED])


def _body_weight(comparison: Comparison, one: Phase, other: Phase) -> float:
    gain, urine = _GAINS[one] - _GAINS[other], _URINE[one] - _URINE[other]
    weight = log_likelihood(comparison.gain, (gain, 20 + 0.45 * abs(gain)), *_GAIN_RANGE)
    weight += log_likelihood(comparison.urine, (urine, 0.6 + 0.25 * abs(urine)), *_URINE_RANGE)
    weight += log_likelihood(comparison.wide_gain, _WIDE_GAINS.get((one, other), _BY_CHANCE), *_GAIN_RANGE)
    weight += log_likelihood(comparison.wide_loss, _WIDE_GAINS.get((other, one), _BY_CHANCE), *_GAIN_RANGE)
    if abs(comparison.gain) > _LEAST_GAIN:
        brighter = one if comparison.gain > 0 else other
        breadth = _NARROW if brighter is Phase.CORTICOMEDULLARY else _WIDE
        weight += log_likelihood(comparison.breadth, breadth, *_BREADTH_RANGE)
    return weight


def _kidney_weight(gain: float, one: Phase, other: Phase) -> float:
    expected = _KIDNEY_GAINS[one] - _KIDNEY_GAINS[other]
    among_enhanced = Phase.CORTICOMEDULLARY in (one, other) and Phase.NONCONTRAST not in (one, other)
    deviation = 45.0 if among_enhanced else 10 + 0.38 * abs(expected)
    return log_likelihood(gain, (expected, deviation), *_KIDNEY_RANGE)


def _same_phase() -> Scores:
    """Returns (phases, phases) flags: 1 where two acquisitions have the same phase, except for `OTHER`."""
    same = np.eye(len(PHASES))
    same[PHASES.index(Phase.OTHER), PHASES.index(Phase.OTHER)] = 0
    return same


def _along(weights: Scores, axes: tuple[int, ...], count: int) -> Scores:
    """Reshapes weights over one or two acquisitions so that they add to the scores of all assignments."""
    ascending = weights if axes[0] == min(axes) else weights.T
    return ascending.reshape([len(PHASES) if axis in axes else 1 for axis in range(count)])
