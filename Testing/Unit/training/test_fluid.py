from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.training import fluid
from NephroSynthLib.training.fluid import add_fluid


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """An enhanced kidney of 180 HU in fat, with liver of 110 HU, bone and air about it."""
    hu = np.full((24, 32, 40), -100, np.float32)
    hu[:, :4], hu[:, 28:], hu[:, 8:24, 26:] = AIR_HU, 700, 110
    kidneys = np.zeros(hu.shape, np.float32)
    kidneys[6:18, 10:22, 4:14] = 1
    kidneys[6:18, 10:22, 14] = 0.5
    hu[kidneys == 1], hu[kidneys == 0.5] = 180, 40
    return hu, kidneys


@pytest.fixture(scope="module")
def drawn(scene: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.array([add_fluid(*scene, np.random.default_rng(seed)) for seed in range(40)])


def test_kidneys_air_and_bone_stay(scene: tuple[np.ndarray, np.ndarray], drawn: np.ndarray) -> None:
    hu, kidneys = scene
    for kept in (kidneys == 1, hu == AIR_HU, hu == 700):
        np.testing.assert_array_equal(drawn[:, kept], np.broadcast_to(hu[kept], drawn[:, kept].shape))


def test_some_crops_have_fluid_in_organs_and_fat_and_others_have_none(
    scene: tuple[np.ndarray, np.ndarray], drawn: np.ndarray
) -> None:
    hu, _ = scene
    organ = ((drawn != hu) & (hu == 110)).sum(axis=(1, 2, 3))
    fat = ((drawn != hu) & (hu == -100)).sum(axis=(1, 2, 3))
    assert (organ + fat == 0).any()
    assert (organ > 500).any()
    assert (fat > 1000).any()


def test_an_organ_holds_fluid_and_now_and_then_gas_in_front_of_it() -> None:
    liver = np.full((40, 48, 56), 110, np.float32)
    drawn = [add_fluid(liver, np.zeros_like(liver), np.random.default_rng(seed)) for seed in range(40)]
    organs = [image for image in drawn if (np.abs(image - 110) > 20).sum() > 5000]
    fluid = [np.abs(image[(np.abs(image - 110) > 20) & (image > -100)] - 15) < 40 for image in organs]
    assert np.median([share.mean() for share in fluid]) > 0.5
    gas = [image for image in organs if (image < -800).sum() > 200]
    assert 0 < len(gas) < len(organs)
    for image in gas:
        front, back = (
            np.argwhere(part)[:, 1].mean() for part in (image < -800, (np.abs(image - 110) > 20) & (image > -100))
        )
        assert front < back


def test_a_shared_voxel_keeps_the_share_of_the_kidney(scene: tuple[np.ndarray, np.ndarray], drawn: np.ndarray) -> None:
    _, kidneys = scene
    border = drawn[:, kidneys == 0.5]
    wet = border[border != 40]
    assert len(wet)
    assert wet.max() < 0.5 * 180 + 0.5 * (fluid.WALL_HU[1] + 10)


def test_the_fluid_follows_the_seed_and_leaves_the_input(scene: tuple[np.ndarray, np.ndarray]) -> None:
    hu, kidneys = scene
    before = hu.copy()
    first, second = (add_fluid(hu, kidneys, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(hu, before)


def test_air_alone_stays_air() -> None:
    air = np.full((8, 16, 16), AIR_HU, np.float32)
    for seed in range(8):
        np.testing.assert_array_equal(add_fluid(air, np.zeros_like(air), np.random.default_rng(seed)), air)
