from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.training.crops import Warp, choose_centre, correlated_noise, crop


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_a_crop_without_a_warp_holds_the_voxels_themselves(rng: np.random.Generator) -> None:
    volume = rng.normal(size=(1, 20, 30, 40)).astype(np.float32)

    part = crop(volume, (10, 15, 20), (8, 8, 8), rng, Warp(), (0.0,))[0]

    places = np.argwhere(np.isclose(volume[0], part[0, 0, 0], atol=1e-6))
    assert len(places) == 1
    z, y, x = places[0]
    np.testing.assert_allclose(part, volume[0, z : z + 8, y : y + 8, x : x + 8], atol=1e-4)


def test_a_mirrored_crop_runs_the_other_way(rng: np.random.Generator) -> None:
    volume = np.broadcast_to(np.arange(40, dtype=np.float32), (1, 20, 30, 40))
    part = crop(volume, (10, 15, 20), (8, 8, 8), rng, Warp(mirrored=True), (0.0,))[0]
    np.testing.assert_allclose(np.diff(part, axis=2), -1, atol=1e-4)


def test_scale_is_how_many_voxels_of_the_volume_one_of_the_crop_spans(rng: np.random.Generator) -> None:
    volume = np.broadcast_to(np.arange(40, dtype=np.float32), (1, 20, 30, 40))
    part = crop(volume, (10, 15, 20), (8, 8, 8), rng, Warp(scale=(1, 1, 1.5)), (0.0,))[0]
    np.testing.assert_allclose(np.diff(part, axis=2), 1.5, atol=1e-4)


def test_channels_stay_together_and_beyond_the_volume_is_the_fill(rng: np.random.Generator) -> None:
    volume = np.ones((2, 6, 6, 6), np.float32)
    part = crop(volume, (3, 3, 3), (12, 12, 12), rng, Warp.random(rng, 0.2, 10), (-1024.0, 0.0))
    assert part[0].min() == pytest.approx(-1024)
    assert part[1].min() == 0
    np.testing.assert_allclose((part[0] + 1024) / 1025, part[1], atol=1e-3)


def test_centres_lie_inside_the_mask_as_often_as_asked(rng: np.random.Generator) -> None:
    mask = np.zeros((10, 10, 10), bool)
    mask[2:4, 5:7, 8:9] = True
    assert all(mask[choose_centre(mask, rng, 1.0)] for _ in range(50))
    hits = sum(bool(mask[choose_centre(mask, rng, 0.0)]) for _ in range(200))
    assert hits < 20
    assert choose_centre(np.zeros((2, 2, 2), bool), rng, 1.0) < (2, 2, 2)


def test_noise_has_the_wanted_deviation_and_grain(rng: np.random.Generator) -> None:
    noise = np.stack([correlated_noise((16, 48, 48), rng, 12.0) for _ in range(20)])
    assert noise.std() == pytest.approx(12, rel=0.05)
    assert abs(noise.mean()) < 2
    neighbours = [np.corrcoef(n[:, :, 1:].ravel(), n[:, :, :-1].ravel())[0, 1] for n in noise]
    assert max(neighbours) > 0.5
    assert min(neighbours) > -0.1
