from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.posterior import Estimate, Observed, Told, estimate
from NephroSynthLib.synthesis.exam_contrast import drawn_contrast, likely_contrast


@pytest.fixture(scope="module")
def found() -> Estimate:
    return estimate(Observed(kidney=60.0, blood=42.0), Told())


def test_the_likely_contrast_is_the_mean_and_the_excretory_one_follows_from_the_ratio(found: Estimate) -> None:
    contrast = likely_contrast(found)
    for index, name in enumerate(COMPARTMENTS):
        assert contrast.nephrographic[index] == found.mean_hu[name]
        assert contrast.excretory[index] * found.ratio[name] == pytest.approx(found.mean_hu[name])


def test_drawn_contrasts_have_the_mean_and_the_spread_of_the_estimate_and_move_together(found: Estimate) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([drawn_contrast(found, rng).nephrographic for _ in range(2000)])
    mean, sd = (np.array([value[name] for name in COMPARTMENTS]) for value in (found.mean_hu, found.sd_hu))
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.1 * sd.max())
    np.testing.assert_allclose(drawn.std(0), sd, rtol=0.1)
    assert np.corrcoef(drawn[:, :2].T)[0, 1] > 0.9
    np.testing.assert_array_equal(drawn_contrast(found, rng).excretory, likely_contrast(found).excretory)


def test_no_drawn_enhancement_is_negative(found: Estimate) -> None:
    doubtful = Estimate(found.mean_hu, dict.fromkeys(COMPARTMENTS, 500.0), found.ratio)
    rng = np.random.default_rng(1)
    assert min(drawn_contrast(doubtful, rng).nephrographic.min() for _ in range(50)) > 0
