from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.training.distractors import add_distractors


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A kidney of 35 HU in fat, beside air and muscle."""
    hu = np.full((24, 32, 40), -100, np.float32)
    hu[:, :6], hu[:, 26:] = -1000, 55
    kidneys = np.zeros(hu.shape, np.float32)
    kidneys[6:18, 10:22, 4:14] = 1
    hu[kidneys > 0] = 35
    return hu, kidneys


def test_lumps_as_bright_as_the_kidney_appear_in_the_fat_and_nowhere_else(
    scene: tuple[np.ndarray, np.ndarray],
) -> None:
    hu, kidneys = scene
    drawn = [add_distractors(hu, kidneys, np.random.default_rng(seed)) for seed in range(12)]
    changed = np.array([image != hu for image in drawn])
    assert not changed[:, kidneys > 0].any()
    assert not changed[:, hu != -100].any()
    counts = changed.sum(axis=(1, 2, 3))
    assert (counts == 0).any()
    assert (counts > 100).any()
    brightest = [image[change].max() for image, change in zip(drawn, changed, strict=True) if change.sum() > 500]
    assert 0 < np.median(brightest) < 90


def test_a_lump_touches_the_kidney_and_leaves_its_share_of_the_border(scene: tuple[np.ndarray, np.ndarray]) -> None:
    hu, kidneys = scene
    border = np.zeros(hu.shape, bool)
    border[6:18, 10:22, 14] = True
    kidneys[border] = 0.5
    hu[border] = 0.5 * 35 + 0.5 * -100
    drawn = np.array([add_distractors(hu, kidneys, np.random.default_rng(seed)) for seed in range(40)])
    assert not (drawn != hu)[:, kidneys == 1].any()
    painted = drawn[:, border]
    assert (painted > 15).any()
    assert painted.max() < 80


def test_beside_an_enhanced_kidney_some_lumps_are_as_bright_and_others_as_dark_as_bowel(
    scene: tuple[np.ndarray, np.ndarray],
) -> None:
    hu, kidneys = scene
    hu[kidneys > 0] = 180
    drawn = [add_distractors(hu, kidneys, np.random.default_rng(seed)) for seed in range(24)]
    levels = np.array([np.percentile(image[image != hu], 90) for image in drawn if (image != hu).sum() > 500])
    assert (levels > 140).any()
    assert (levels < 110).any()


def test_lumps_follow_the_seed_and_leave_the_input_as_it_was(scene: tuple[np.ndarray, np.ndarray]) -> None:
    hu, kidneys = scene
    before = hu.copy()
    first, second = (add_distractors(hu, kidneys, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(hu, before)


def test_without_fat_nothing_is_painted() -> None:
    hu = np.full((8, 8, 8), 40, np.float32)
    np.testing.assert_array_equal(add_distractors(hu, np.zeros_like(hu), np.random.default_rng(0)), hu)
