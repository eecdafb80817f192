from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.synthesis.sample_deviation import pooled_deviation

SPACING = (1.0, 1.0, 2.0)


@pytest.mark.parametrize("count", [2, 4])
def test_two_deviations_of_few_samples_cover_as_many_errors_as_those_of_many(count: int) -> None:
    """The deviation of each voxel alone covers 70 % of the errors with two samples, and 86 % with four."""
    rng = np.random.default_rng(count)
    samples = rng.normal(0, 12, (count, 16, 48, 48)).astype(np.float32)
    error = rng.normal(0, 12, samples.shape[1:])
    assert np.mean(np.abs(error) < 2 * samples.std(axis=0, ddof=1)) < 0.88
    assert np.mean(np.abs(error) < 2 * pooled_deviation(samples, SPACING)) == pytest.approx(0.954, abs=0.015)


def test_tissue_where_samples_agree_keeps_a_small_deviation() -> None:
    rng = np.random.default_rng(0)
    sd = np.where(np.arange(60) < 30, 2.0, 20.0)
    samples = (sd * rng.standard_normal((8, 16, 40, 60))).astype(np.float32)
    pooled = pooled_deviation(samples, SPACING)
    assert pooled[..., :20].mean() == pytest.approx(2, rel=0.05)
    assert pooled[..., 40:].mean() == pytest.approx(20, rel=0.05)
