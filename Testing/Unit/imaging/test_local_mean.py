"""The local mean against SciPy's Gaussian filter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.local_mean import LocalMean

SHAPE = (24, 60, 70)


def smooth_field() -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(0, 300, SHAPE)
    return ndimage.gaussian_filter(noise, 2.0).astype(np.float32)


def mean_of(
    values: NDArray[np.float32], valid: NDArray[np.bool_], spacing: tuple[float, float, float], sigma: float, slab: int
) -> NDArray[np.float32]:
    found = LocalMean(values.shape, spacing, sigma)
    parts = [slice(start, min(start + slab, len(values))) for start in range(0, len(values), slab)]
    for part in parts:
        found.add(part.start, values[part], valid[part])
    return np.concatenate([found[part] for part in parts])


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.0), (0.9, 0.9, 5.0), (1.5, 1.5, 1.5)])
def test_it_is_the_mean_with_the_weights_of_a_gaussian(spacing: tuple[float, float, float]) -> None:
    values = smooth_field()
    valid = np.zeros(SHAPE, bool)
    valid[3:20, 10:50, 5:66] = True
    sigmas = [2.0 / step for step in reversed(spacing)]
    sums, counts = (
        ndimage.gaussian_filter(each.astype(np.float64), sigmas, mode="constant") for each in (values * valid, valid)
    )
    found = mean_of(values, valid, spacing, 2.0, 5)
    inner = ndimage.binary_erosion(valid, iterations=3)
    error = (found - sums / np.maximum(counts, 1e-9))[inner]
    assert error.std() < 0.06 * values[inner].std()


def test_it_does_not_depend_on_the_slabs() -> None:
    values, valid = smooth_field(), np.random.default_rng(2).random(SHAPE) > 0.5
    whole = mean_of(values, valid, (0.7, 0.7, 1.0), 2.0, len(values))
    np.testing.assert_allclose(mean_of(values, valid, (0.7, 0.7, 1.0), 2.0, 7), whole, rtol=1e-4, atol=1e-3)


def test_values_that_do_not_count_change_nothing() -> None:
    values, valid = np.full(SHAPE, 7.0, np.float32), np.ones(SHAPE, bool)
    values[:, 20:30], valid[:, 20:30] = 5000.0, False
    found = mean_of(values, valid, (0.7, 0.7, 1.0), 1.5, 4)
    np.testing.assert_allclose(found[valid], 7.0, rtol=1e-4)


def test_it_is_zero_where_nothing_is_near() -> None:
    values, valid = np.full(SHAPE, 7.0, np.float32), np.zeros(SHAPE, bool)
    valid[:, :5] = True
    found = mean_of(values, valid, (1.0, 1.0, 1.0), 1.5, 4)
    assert (found[:, 30:] == 0).all()
