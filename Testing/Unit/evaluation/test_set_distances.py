from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from NephroSynthLib.evaluation.set_distances import (
    BINS,
    bmmd2,
    diversity_difference,
    inception_score,
    nearest_ssim,
    pairwise_ms_ssim,
    slices_of,
)
from NephroSynthLib.imaging.ssim import ssim_map


def test_slices_of_each_plane_are_those_of_the_volume() -> None:
    volume = np.random.default_rng(0).normal(size=(3, 4, 5))
    for axis, shape in enumerate([(1, 4, 5), (1, 3, 5), (1, 3, 4)]):
        slices = slices_of(volume, axis, middle=False)
        assert len(slices) == volume.shape[axis]
        assert slices[0].shape == shape
        np.testing.assert_array_equal(slices[1][0], volume.take(1, axis))
        np.testing.assert_array_equal(
            slices_of(volume, axis, middle=True)[0][0], volume.take((3, 4, 5)[axis] // 2, axis)
        )


def test_bmmd2_is_the_sum_over_pairs_and_the_closed_form_of_a_linear_kernel() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (6, 4)), rng.normal(1, 2, (5, 4))
    pairs = sum(a[i] @ a[j] for i in range(6) for j in range(6) if i != j) / 30
    pairs += sum(b[i] @ b[j] for i in range(5) for j in range(5) if i != j) / 20
    pairs -= 2 * np.mean([x @ y for x in a for y in b])
    shift = a.mean(0) - b.mean(0)
    closed = shift @ shift - a.var(0, ddof=1).sum() / 6 - b.var(0, ddof=1).sum() / 5
    assert bmmd2(a, b) == pytest.approx(pairs)
    assert bmmd2(a, b) == pytest.approx(closed)


def test_the_inception_score_runs_from_one_to_the_number_of_classes() -> None:
    assert inception_score(np.full((8, 4), 0.25)) == pytest.approx(1)
    assert inception_score(np.eye(4)[[0, 1, 2, 3] * 2]) == pytest.approx(4)
    p = np.array([[0.7, 0.3], [0.2, 0.8]])
    divergence = np.mean([stats.entropy(row, p.mean(0)) for row in p])
    assert inception_score(p) == pytest.approx(np.exp(divergence))


def test_the_nearest_image_is_the_most_similar_one() -> None:
    rng = np.random.default_rng(0)
    first, other = rng.normal(50, 60, (2, 1, 24, 24))
    near = first + rng.normal(0, 5, first.shape)
    found = nearest_ssim([first, other, near])
    wanted = ssim_map((first + 150).clip(0, 400), (near + 150).clip(0, 400), 400).mean()
    assert found[0] == found[2] == pytest.approx(float(wanted), abs=1e-5)
    assert found[1] < 0.5


def test_the_difference_of_diversity_is_the_divergence_of_the_histograms() -> None:
    rng = np.random.default_rng(0)
    real, synthetic = rng.uniform(0.2, 0.6, 400), rng.uniform(0.3, 0.7, 400)
    shares = [np.histogram(values, BINS, (-1, 1))[0] / 400 + 1e-6 for values in (real, synthetic)]
    assert diversity_difference(real, synthetic) == pytest.approx(stats.entropy(*shares))
    assert diversity_difference(real, real) == 0


def test_a_set_of_equal_images_lacks_diversity() -> None:
    image = np.random.default_rng(0).normal(50, 60, (1, 64, 64))
    others = list(np.random.default_rng(1).normal(50, 60, (3, 1, 64, 64)))
    assert pairwise_ms_ssim([image] * 3, 4) == pytest.approx(1, abs=1e-6)
    found = pairwise_ms_ssim(others, 4)
    assert found is not None
    assert found < 0.5
    assert pairwise_ms_ssim([image[:, :8, :8]] * 2, 1) is None
