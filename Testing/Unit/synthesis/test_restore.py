from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.synthesis.restore import restore_outside_window

WINDOW = (LOWER_HU, UPPER_HU)


def test_soft_tissue_comes_from_the_model() -> None:
    synthetic, before = np.full((8, 8, 8), 160.0, np.float32), np.full((8, 8, 8), 35.0, np.float32)
    np.testing.assert_array_equal(restore_outside_window(synthetic, before, WINDOW), synthetic)


def test_bone_stones_and_gas_come_from_the_noncontrast_phase() -> None:
    before = np.full((16, 16, 16), 35.0, np.float32)
    before[:8, :8], before[8:, 8:] = 900.0, -900.0
    synthetic = np.clip(before, -150, 250)

    restored = restore_outside_window(synthetic, before, WINDOW)

    np.testing.assert_allclose(restored[2, 2], 900.0)
    np.testing.assert_allclose(restored[13, 13], -900.0)


def test_a_small_stone_keeps_its_density() -> None:
    before = np.full((9, 16, 16), 35.0, np.float32)
    before[4, 6:9, 6:9] = 500.0
    restored = restore_outside_window(np.clip(before, -150, 250), before, WINDOW)
    np.testing.assert_allclose(restored[4, 6:9, 6:9], 500.0)


def test_noise_alone_does_not_switch_the_source() -> None:
    rng = np.random.default_rng(0)
    before = (35 + rng.normal(0, 60, (24, 24, 24))).astype(np.float32)
    synthetic = np.full_like(before, 150.0)
    assert np.abs(restore_outside_window(synthetic, before, WINDOW) - synthetic).max() < 1e-3


def test_a_method_that_works_in_the_full_range_keeps_its_own_bone() -> None:
    before = np.full((8, 8, 8), 900.0, np.float32)
    synthetic = np.full_like(before, 950.0)
    np.testing.assert_array_equal(restore_outside_window(synthetic, before, (-1024.0, 3071.0)), synthetic)
    assert restore_outside_window(synthetic, before, WINDOW) == pytest.approx(900.0)
