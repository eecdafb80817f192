"""Figures of reader studies against statsmodels, scikit-learn, enumeration and closed forms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.proportion import proportion_confint

from NephroSynthLib.evaluation.reader_figures import bootstrap_interval, proportion, signed_rank_p, weighted_kappa


@pytest.mark.parametrize(("count", "total"), [(0, 7), (7, 7), (31, 40), (1, 1), (260, 400)])
def test_the_interval_is_wilsons(count: int, total: int) -> None:
    found = proportion([True] * count + [False] * (total - count))
    assert (found.count, found.total, found.value) == (count, total, count / total)
    assert (found.lower, found.upper) == pytest.approx(proportion_confint(count, total, method="wilson"), abs=1e-9)


def test_a_share_of_nothing_is_no_number() -> None:
    assert np.isnan([proportion([]).value, proportion([]).lower, proportion([]).upper]).all()


def test_without_ties_p_is_that_of_all_signs() -> None:
    differences = np.array([0.5, -1.0, 1.5, 2.0, 3.0, -3.5, 4.0, 5.0])
    ranks = stats.rankdata(np.abs(differences))
    half = ranks.sum() / 2
    observed = abs(ranks[differences > 0].sum() - half)
    others = [abs(ranks @ np.array(signs) - half) for signs in product((0, 1), repeat=len(ranks))]
    expected = np.mean(np.array(others) >= observed - 1e-9)
    assert signed_rank_p(differences + 7, np.full(8, 7.0)) == pytest.approx(expected)


def test_with_ties_p_is_that_of_the_normal_distribution_with_correction() -> None:
    real, synthetic = np.random.default_rng(0).integers(1, 6, (2, 60))
    differences = (real - synthetic)[real != synthetic]
    ranks = stats.rankdata(np.abs(differences))
    n, ties = len(ranks), np.unique(ranks, return_counts=True)[1]
    variance = n * (n + 1) * (2 * n + 1) / 24 - (ties**3 - ties).sum() / 48
    z = (ranks[differences > 0].sum() - n * (n + 1) / 4) / np.sqrt(variance)
    assert signed_rank_p(real, synthetic) == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_p_where_nothing_differs_and_where_nothing_is() -> None:
    assert signed_rank_p([3, 4, 5], [3, 4, 5]) == 1.0
    assert np.isnan(signed_rank_p([], []))


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = generator.integers(1, 6, 40)
    second = np.clip(first + generator.integers(-1, 2, 40), 1, 5)
    expected = cohen_kappa_score(first, second, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert weighted_kappa(first, second, 5) == pytest.approx(expected)


def test_kappa_is_1_for_equal_grades_and_not_defined_for_one_grade() -> None:
    grades = np.array([1, 3, 5, 5])
    assert weighted_kappa(grades, grades, 5) == 1.0
    assert np.isnan(weighted_kappa(np.full(4, 3), np.full(4, 3), 5))
    assert np.isnan(weighted_kappa(grades[:0], grades[:0], 5))


def test_the_bootstrap_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(size=400)
    found = bootstrap_interval(lambda chosen: float(values[chosen].mean()), len(values))
    expected = stats.norm.interval(0.95, values.mean(), values.std() / np.sqrt(len(values)))
    assert found == pytest.approx(expected, abs=0.01)
    assert found == bootstrap_interval(lambda chosen: float(values[chosen].mean()), len(values))


def test_the_bootstrap_leaves_samples_without_a_figure_out() -> None:
    first = np.array([3, 3, 3, 4])
    lower, upper = bootstrap_interval(lambda chosen: weighted_kappa(first[chosen], first[chosen], 5), 4)
    assert (lower, upper) == (1.0, 1.0)
    assert np.isnan(bootstrap_interval(lambda chosen: float("nan"), 4)).all()
    assert np.isnan(bootstrap_interval(lambda chosen: 1.0, 0)).all()
