"""Velocity fields: closed forms of their flows, inverses, and interpolation against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.linalg import expm
from torch import Tensor

from NephroSynthLib.registration.velocity import exponential, identity, roughness, sample, smoothed


def _wave(size: int = 24, height: float = 2.0) -> Tensor:
    """Returns a smooth velocity that is zero at the border."""
    places = identity(torch.zeros(1, 1, size, size, size))
    bump = torch.sin(torch.pi * places / (size - 1)).prod(dim=1, keepdim=True)
    return height * bump * torch.tensor([1.0, -0.6, 0.4]).view(1, 3, 1, 1, 1)


def test_a_constant_velocity_moves_by_itself() -> None:
    velocity = torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1, 1).expand(1, 3, 8, 9, 10)
    assert torch.allclose(exponential(velocity), velocity, atol=1e-5)


def test_a_linear_velocity_flows_as_the_matrix_exponential() -> None:
    matrix = np.array([[0.05, 0.1, 0.0], [-0.1, -0.05, 0.02], [0.0, 0.03, 0.04]])
    places = identity(torch.zeros(1, 1, 21, 21, 21, dtype=torch.float64))
    centred = places - 10
    velocity = torch.einsum("ij,njzyx->nizyx", torch.from_numpy(matrix), centred)
    expected = torch.einsum("ij,njzyx->nizyx", torch.from_numpy(expm(matrix) - np.eye(3)), centred)
    inner = (slice(None), slice(None), *(slice(6, 15),) * 3)
    assert torch.allclose(exponential(velocity, 8)[inner], expected[inner], atol=0.01)


def test_the_flow_of_the_opposite_velocity_is_the_inverse() -> None:
    there, back = exponential(_wave()), exponential(-_wave())
    places = identity(there)
    returned = there + sample(back, places + there)
    assert float(returned.abs().max()) < 0.05


def test_a_flow_does_not_fold_where_the_displacement_alone_would() -> None:
    velocity = _wave(height=9.0)
    jacobians = []
    for displacement in (velocity, exponential(velocity, 7)):
        field = np.moveaxis(displacement[0].numpy(), 0, -1)
        rows = [np.stack(np.gradient(field[..., axis])[::-1], axis=-1) for axis in range(3)]
        jacobians.append(np.linalg.det(np.stack(rows, axis=-2) + np.eye(3)).min())
    assert jacobians[0] < 0 < jacobians[1]


def test_sampling_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    values, places = rng.normal(size=(2, 6, 7, 8)), rng.uniform(-1, 8, (3, 4, 3, 2))
    found = sample(torch.from_numpy(values)[None], torch.from_numpy(places)[None])[0].numpy()
    expected = [ndimage.map_coordinates(channel, places[::-1], order=1, mode="nearest") for channel in values]
    assert np.allclose(found, expected)


@pytest.mark.parametrize("times", [1, 3])
def test_smoothing_keeps_a_constant_and_lowers_roughness(times: int) -> None:
    noise = torch.randn(1, 3, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(smoothed(torch.ones(1, 3, 6, 6, 6), times), torch.ones(1, 3, 6, 6, 6))
    assert float(roughness(smoothed(noise, times))) < float(roughness(noise))
    assert float(roughness(torch.ones(1, 3, 4, 4, 4))) == 0.0
