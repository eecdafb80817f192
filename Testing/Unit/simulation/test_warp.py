from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.motion import jacobian_determinant
from NephroSynthLib.simulation.warp import Warp, draw_warp


@pytest.mark.parametrize("seed", range(6))
def test_the_inverse_undoes_the_warp(seed: int) -> None:
    warp = draw_warp(np.random.default_rng(seed))
    for point in np.random.default_rng(100 + seed).uniform(-250, 250, (12, 3)):
        before = warp.inverse(tuple(point))
        displacement = warp(*(torch.tensor(float(value)) for value in before)).numpy()
        np.testing.assert_allclose(before + displacement, point, atol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_the_warp_is_smooth_and_folds_nowhere(seed: int) -> None:
    warp = draw_warp(np.random.default_rng(seed))
    axis = torch.arange(-200.0, 201.0, 10.0)
    field = warp(axis[None, None, :], axis[None, :, None], axis[:, None, None])
    assert float(jacobian_determinant(field, (10.0, 10.0, 10.0)).min()) > 0.1
    assert 0.5 < float(field.std()) < 15


def test_the_warp_is_the_sum_of_its_waves() -> None:
    waves = np.array([[0.1, 0.0, 0.0], [0.0, 0.0, 0.05]])
    warp = Warp(waves, np.array([0.3, 0.7]), np.array([[1.0, 2.0, 3.0], [0.0, 4.0, 0.0]]))
    x, y, z = (torch.tensor(value) for value in (12.0, -5.0, 30.0))
    swing = np.sin([0.1 * 12 + 0.3, 0.05 * 30 + 0.7])
    expected = np.array([swing[0], 2 * swing[0] + 4 * swing[1], 3 * swing[0]])
    np.testing.assert_allclose(warp(x, y, z).numpy(), expected, rtol=1e-5)
