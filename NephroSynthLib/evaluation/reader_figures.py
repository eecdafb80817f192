"""Figures of a reader study: proportions, paired scores, agreement of readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
DRAWS = 1000
"""Bootstrap samples."""


@dataclass(frozen=True)
class Proportion:
    """A share of answers with its confidence interval of 95 %.

    Attributes:
        count: Answers that have the property.
        total: All answers; 0 makes the other figures NaN.
        value: Their ratio in [0, 1].
        lower: Lower end of the Wilson score interval (Wilson 1927, without continuity correction).
        upper: Upper end.
    """

    count: int
    total: int
    value: float
    lower: float
    upper: float


def proportion(hits: Sequence[bool]) -> Proportion:
    """Returns the share of true values.

    Example:
        >>> round(proportion([True] * 8 + [False] * 2).lower, 3)
        0.49
    """
    count, total = sum(hits), len(hits)
    if total == 0:
        return Proportion(0, 0, np.nan, np.nan, np.nan)
    interval = stats.binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return Proportion(count, total, count / total, float(interval.low), float(interval.high))


def signed_rank_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Returns the two-sided P value of Wilcoxon's signed-rank test of pairs.

    Pairs without a difference are left out. The distribution is exact for at most 50 pairs without ties, and the normal
    one with correction for ties otherwise.

    Args:
        first: Values.
        second: The value that belongs to each.

    Returns:
        P; 1 where no pair differs, NaN without pairs.
    """
    differences = np.subtract(first, second)
    differences = differences[differences != 0]
    if len(first) == 0:
        return float("nan")
    if not differences.size:
        return 1.0
    tied = len(np.unique(np.abs(differences))) < len(differences)
    exact = not tied and len(differences) <= 50
    return float(stats.wilcoxon(differences, method="exact" if exact else "approx").pvalue)


def weighted_kappa(first: NDArray[np.integer], second: NDArray[np.integer], grades: int) -> float:
    """Returns Cohen's kappa with quadratic weights (Cohen 1968).

    Args:
        first: Grades 1 to `grades` of one reader.
        second: Grades of the other reader for the same pictures.
        grades: Number of grades.

    Returns:
        Kappa, at most 1; NaN where it is not defined, because both readers always gave one and the same grade.
    """
    if len(first) == 0:
        return float("nan")
    counts = np.zeros((grades, grades))
    np.add.at(counts, (first - 1, second - 1), 1)
    distance = np.subtract.outer(np.arange(grades), np.arange(grades)) ** 2
    expected = float((np.outer(counts.sum(axis=1), counts.sum(axis=0)) * distance).sum()) / counts.sum()
    return 1 - float((counts * distance).sum()) / expected if expected else float("nan")


def bootstrap_interval(figure: Callable[[NDArray[np.intp]], float], count: int, seed: int = 0) -> tuple[float, float]:
    """Returns the percentile interval of 95 % of a figure of `count` items (Efron 1979).

    Args:
        figure: Computes the figure from the indices of the items that a sample holds.
        count: Number of items.
        seed: Of the samples.

    Returns:
        Lower and upper end; samples in which the figure is NaN are left out, and both ends are NaN if all are.
    """
    generator = np.random.default_rng(seed)
    values = np.array([figure(generator.integers(0, count, count)) for _ in range(DRAWS)]) if count else np.empty(0)
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    tail = 50 * (1 - CONFIDENCE)
    lower, upper = np.percentile(values, [tail, 100 - tail])
    return float(lower), float(upper)
