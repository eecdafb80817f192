from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from NephroSynthLib.evaluation.embedding import affinities, feature_similarity, gaussian_kl, tsne


def test_each_row_of_affinities_has_the_wanted_perplexity() -> None:
    p = affinities(np.random.default_rng(0).normal(size=(40, 5)), 12.0)
    np.testing.assert_allclose(p.sum(1), 1)
    np.testing.assert_allclose([np.exp(stats.entropy(row[row > 0])) for row in p], 12.0, rtol=1e-3)


def test_clusters_stay_clusters() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(3, 8) * 20
    plane = tsne(np.concatenate([rng.normal(centre, 1, (20, 8)) for centre in centres])).reshape(3, 20, 2)
    means = plane.mean(1)
    spread = np.linalg.norm(plane - means[:, None], axis=2).max()
    assert min(np.linalg.norm(means[i] - means[j]) for i in range(3) for j in range(i)) > spread


def test_the_divergence_is_that_of_an_integral() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (50, 1)), rng.normal(0.5, 2, (60, 1))
    one, other = (stats.norm(points.mean(), points.std(ddof=1)) for points in (first, second))
    wanted, _ = integrate.quad(lambda x: one.pdf(x) * (one.logpdf(x) - other.logpdf(x)), -8, 8)
    assert _one_dimensional(first, second) == pytest.approx(wanted, rel=1e-4)


def _one_dimensional(first: np.ndarray, second: np.ndarray) -> float:
    """The divergence in one dimension, by a second one that is independent and alike in both sets."""
    signs = [np.resize([1.0, -1.0], len(points)) for points in (first, second)]
    apart = []
    for points, sign in zip((first[:, 0], second[:, 0]), signs, strict=True):
        other = sign - sign @ (points - points.mean()) / ((points - points.mean()) ** 2).sum() * (
            points - points.mean()
        )
        other = (other - other.mean()) / other.std(ddof=1)
        apart.append(np.stack([points, other], axis=1))
    return gaussian_kl(*apart)


def test_alike_sets_have_a_small_divergence_and_others_a_large_one() -> None:
    rng = np.random.default_rng(0)
    real, alike, other = rng.normal(0, 1, (40, 6)), rng.normal(0, 1, (40, 6)), rng.normal(6, 1, (40, 6))
    assert feature_similarity(real, alike) < 0.3
    assert feature_similarity(real, other) > 3
