"""MIND-SSC: its range, its independence of contrast, and a direct evaluation of its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from NephroSynthLib.registration.mind import mind_ssc


def _image(seed: int = 0) -> Tensor:
    noise = np.random.default_rng(seed).normal(size=(12, 13, 14))
    return torch.from_numpy(ndimage.gaussian_filter(noise, 1.5) * 100).float()[None, None]


def test_features_have_twelve_channels_between_0_and_1_whose_best_match_is_1() -> None:
    features = mind_ssc(_image())
    assert features.shape == (1, 12, 12, 13, 14)
    assert float(features.min()) > 0
    assert torch.allclose(features.amax(dim=1), torch.ones(1, 12, 13, 14))


@pytest.mark.parametrize(("factor", "offset"), [(3.0, 40.0), (-0.5, 100.0)])
def test_a_linear_change_of_contrast_leaves_the_features(factor: float, offset: float) -> None:
    assert torch.allclose(mind_ssc(_image() * factor + offset), mind_ssc(_image()), atol=1e-3)


def test_features_move_with_the_image() -> None:
    image = _image()
    moved = mind_ssc(torch.roll(image, 2, dims=4))
    assert torch.allclose(moved[..., 4:-4, 4:-4, 6:-4], mind_ssc(image)[..., 4:-4, 4:-4, 4:-6], atol=0.02)


def test_a_channel_is_the_exponential_of_a_patch_difference() -> None:
    image = _image().double()
    array = image[0, 0].numpy()
    shifts = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    distances = []
    for first in range(6):
        for second in range(first + 1, 6):
            if first // 2 != second // 2:
                one, other = (np.roll(array, [-step for step in shifts[index]], (0, 1, 2)) for index in (first, second))
                distances.append(ndimage.uniform_filter((one - other) ** 2, 3))
    distance = np.stack(distances) - np.min(distances, axis=0)
    mean = distance.mean(axis=0)
    inner = (slice(3, -3),) * 3
    found = mind_ssc(image)[0].numpy()[(slice(None), *inner)]
    moderate = (mean[inner] > 0.2 * mean.mean()) & (mean[inner] < 5 * mean.mean())
    assert np.allclose(found[:, moderate], np.exp(-distance / mean)[(slice(None), *inner)][:, moderate], atol=1e-6)
