from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.posterior import Estimate, Observed, Told, estimate
from NephroSynthLib.synthesis.exam_contrast import likely_contrast, spread_contrasts


@pytest.fixture(scope="module")
def found() -> Estimate:
    return estimate(Observed(kidney=60.0, blood=42.0), Told())


def test_the_likely_contrast_is_the_mean_and_the_excretory_one_follows_from_the_ratio(found: Estimate) -> None:
    contrast = likely_contrast(found)
    for index, name in enumerate(COMPARTMENTS):
        assert contrast.nephrographic[index] == found.mean_hu[name]
        assert contrast.excretory[index] * found.ratio[name] == pytest.approx(found.mean_hu[name])


@pytest.mark.parametrize("count", [2, 3, 8])
def test_few_contrasts_have_exactly_the_mean_and_the_spread_of_the_estimate_and_move_together(
    found: Estimate, count: int
) -> None:
    contrasts = spread_contrasts(found, count, np.random.default_rng(0))
    enhancement = np.array([contrast.nephrographic for contrast in contrasts])
    mean, sd = (np.array([value[name] for name in COMPARTMENTS]) for value in (found.mean_hu, found.sd_hu))
    np.testing.assert_allclose(enhancement.mean(0), mean)
    np.testing.assert_allclose(enhancement.std(0, ddof=1), sd)
    assert np.corrcoef(enhancement[:, :2].T)[0, 1] > 0.99
    for contrast in contrasts:
        np.testing.assert_array_equal(contrast.excretory, likely_contrast(found).excretory)


def test_the_order_of_the_contrasts_is_random(found: Estimate) -> None:
    orders = {
        tuple(np.argsort([one.nephrographic[0] for one in spread_contrasts(found, 6, np.random.default_rng(seed))]))
        for seed in range(5)
    }
    assert len(orders) > 1


def test_no_enhancement_is_negative(found: Estimate) -> None:
    doubtful = Estimate(found.mean_hu, dict.fromkeys(COMPARTMENTS, 500.0), found.ratio)
    contrasts = spread_contrasts(doubtful, 20, np.random.default_rng(1))
    assert min(contrast.nephrographic.min() for contrast in contrasts) > 0
