"""The convex start: it finds shifts, and voxels without weight do not mislead it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from NephroSynthLib.registration.convex_start import convex_start


def _features() -> Tensor:
    noise = np.random.default_rng(0).normal(size=(2, 32, 32, 32))
    return torch.from_numpy(np.stack([ndimage.gaussian_filter(part, 2.0) for part in noise]) * 10).float()[None]


@pytest.mark.parametrize("shift", [(0, 0, 0), (4, -2, 2)])
def test_a_shift_is_found(shift: tuple[int, int, int]) -> None:
    fixed = _features()
    moving = torch.roll(fixed, shift[::-1], dims=(2, 3, 4))
    displacement, first, distance = convex_start(fixed, moving, torch.ones(1, 1, 32, 32, 32))
    assert (first, distance) == (0.5, 4.0)
    inner = displacement[0, :, 2:-2, 2:-2, 2:-2].mean(dim=(1, 2, 3))
    assert torch.allclose(inner, torch.tensor(shift, dtype=torch.float32), atol=0.5)


def test_voxels_without_weight_follow_their_neighbours() -> None:
    fixed = _features()
    moving = torch.roll(fixed, 4, dims=4)
    weight = torch.ones(1, 1, 32, 32, 32)
    hole = (slice(None), slice(None), *(slice(10, 22),) * 3)
    weight[hole] = 0
    moving[hole] = fixed[hole] * 5
    displacement, _, _ = convex_start(fixed, moving, weight)
    assert torch.allclose(displacement[0, :, 4, 4, 4], torch.tensor([4.0, 0.0, 0.0]), atol=1.5)
