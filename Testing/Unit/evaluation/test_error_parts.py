from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.evaluation.error_parts import error_parts, hu_correlation, organ_hu

SPACING = (1.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def acquired() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 10, (12, 40, 40))


def test_a_level_is_an_offset_alone(acquired: np.ndarray) -> None:
    parts = error_parts(acquired + 15, acquired, np.ones(acquired.shape, bool), SPACING)
    assert parts.offset_hu == pytest.approx(15)
    assert parts.structure_hu == pytest.approx(0, abs=1e-6)
    assert parts.texture_ratio == pytest.approx(1)


def test_a_slow_wave_is_structure_alone(acquired: np.ndarray) -> None:
    wave = 8 * np.sin(2 * np.pi * np.arange(40) / 40)
    parts = error_parts(acquired + wave, acquired, np.ones(acquired.shape, bool), SPACING)
    assert parts.offset_hu == pytest.approx(0, abs=1e-6)
    assert parts.structure_hu == pytest.approx(8 / 2**0.5, rel=0.06)  # its amplitude falls by exp(-(2 pi 2 / 40)^2 / 2)
    assert parts.texture_ratio == pytest.approx(1, abs=0.02)


def test_a_smooth_volume_lacks_texture(acquired: np.ndarray) -> None:
    level = np.full_like(acquired, 100.0)
    mask = np.ones(acquired.shape, bool)
    assert error_parts(level + (acquired - 100) / 2, acquired, mask, SPACING).texture_ratio == pytest.approx(0.5)
    assert error_parts(acquired, level, mask, SPACING).texture_ratio is None


def test_nothing_outside_of_the_region_counts(acquired: np.ndarray) -> None:
    mask = np.zeros(acquired.shape, bool)
    mask[3:9, 10:30, 10:30] = True
    wild = np.where(mask, acquired, 1e4)
    assert error_parts(wild, acquired, mask, SPACING) == error_parts(acquired, acquired, mask, SPACING)


def test_hu_by_organ_and_their_correlation(acquired: np.ndarray) -> None:
    masks = {"kidney": acquired > 100, "none": acquired > 1e9}
    assert organ_hu(acquired, masks) == {"kidney": pytest.approx(acquired[acquired > 100].mean())}
    a, b = {"kidney": [1.0, 2, 4], "liver": [1.0, 2]}, {"kidney": [2.0, 3, 9], "liver": [1.0, 2]}
    assert hu_correlation(a, b) == {"kidney": pytest.approx(np.corrcoef(a["kidney"], b["kidney"])[0, 1])}
