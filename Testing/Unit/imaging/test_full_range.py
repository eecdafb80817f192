from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.imaging.full_range import from_full_range, to_full_range


def test_the_range_of_12_bits_is_that_of_the_network() -> None:
    np.testing.assert_allclose(to_full_range(np.array([-2000.0, -1024, 3071, 4000])), [-1, -1, 1, 1])
    assert np.diff(to_full_range(np.array([40.0, 41.0])))[0] == pytest.approx(0.000488, abs=1e-5)  # ASCII, section 3.1


def test_a_value_comes_back_and_nothing_leaves_the_range() -> None:
    hu = np.linspace(-1024, 3071, 50, dtype=np.float32)
    np.testing.assert_allclose(from_full_range(to_full_range(hu)), hu, atol=1e-3)
    np.testing.assert_allclose(from_full_range(np.array([-3.0, 3.0])), [-1024, 3071])
