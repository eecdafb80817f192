"""The noise of a slice against the noise that was put in."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.reader_study.grain import noise_sd, with_equal_noise

SHAPE = (160, 160)
EVERYWHERE = np.ones(SHAPE, bool)


def tissue(sd: float, seed: int) -> NDArray[np.float32]:
    """A slope with a sharp disc and white noise, HU."""
    y, x = np.indices(SHAPE)
    disc = 150.0 * ((y - 80) ** 2 + (x - 80) ** 2 < 900)
    return (0.3 * x - 0.2 * y + disc + np.random.default_rng(seed).normal(0, sd, SHAPE)).astype(np.float32)


@pytest.mark.parametrize("sd", [2.0, 12.0, 30.0])
def test_the_estimate_is_the_noise_that_was_added(sd: float) -> None:
    assert noise_sd(tissue(sd, 0), EVERYWHERE) == pytest.approx(sd, rel=0.06)


def test_no_tissue_has_no_noise() -> None:
    assert noise_sd(tissue(10.0, 0), ~EVERYWHERE) == 0.0


@pytest.mark.parametrize("swapped", [False, True])
def test_the_smoother_slice_gets_the_noise_that_it_lacks(swapped: bool) -> None:
    noisy, smooth = tissue(15.0, 1), ndimage.gaussian_filter(tissue(15.0, 2), 0.8)
    given = (smooth, noisy) if swapped else (noisy, smooth)
    found = with_equal_noise(*given, np.random.default_rng(3))
    assert noise_sd(found[0], EVERYWHERE) == pytest.approx(noise_sd(found[1], EVERYWHERE), rel=0.06)
    assert np.array_equal(found[swapped], noisy)
    assert abs(float((found[not swapped] - smooth).mean())) < 0.5


def test_slices_of_equal_noise_stay_as_they_are() -> None:
    one = tissue(10.0, 1)
    found = with_equal_noise(one, one, np.random.default_rng(3))
    assert np.array_equal(found[0], one)
    assert np.array_equal(found[1], one)
