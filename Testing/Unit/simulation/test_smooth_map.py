from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.smooth_map import pull, slice_profile, tabulate, torch_axes

GRID = Grid((20, 30, 40), (1.3, 1.1, 2.7), (-25.0, 10.0, -300.0))


def test_a_tabulated_field_is_accurate_between_its_nodes() -> None:
    def field(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        swing = 15 * torch.sin(x / 25) * torch.cos(y / 30) + 5 * torch.sin(z / 20)
        return torch.stack([swing, 0.5 * swing, -swing])

    z, y, x = torch_axes(GRID)
    expected = field(x[None, None, :], y[None, :, None], z[:, None, None])
    assert float((tabulate(field, GRID).on((z, y, x)) - expected).abs().max()) < 0.05


def test_pulling_a_ramp_returns_the_moved_coordinates() -> None:
    canvas = Grid((60, 60, 80), (1.0, 1.0, 1.5), (-40.0, 0.0, -320.0))
    z, y, x = torch_axes(canvas)
    ramp = (2 * x[None, None, :] - y[None, :, None] + 0.5 * z[:, None, None])[None]
    offset = tabulate(
        lambda x, y, z: torch.stack(torch.broadcast_tensors(0 * x + 1.5 + 0 * y + 0 * z, 0 * y - 2.0, 0 * z + 3.0)),
        GRID,
    )
    sampled = pull([(ramp, "bilinear")], canvas, GRID, offset)[0][0]
    z, y, x = torch_axes(GRID)
    expected = 2 * (x[None, None, :] + 1.5) - (y[None, :, None] - 2.0) + 0.5 * (z[:, None, None] + 3.0)
    torch.testing.assert_close(sampled, expected, atol=2e-2, rtol=1e-4)


@pytest.mark.parametrize("thickness", [1.0, 2.4, 5.0])
def test_a_slice_spreads_a_point_over_its_thickness(thickness: float) -> None:
    volume = torch.zeros(1, 41, 1, 1)
    volume[0, 20] = 1.0
    profile = slice_profile(volume, 1.0, thickness)[0, :, 0, 0].numpy()
    assert profile.sum() == pytest.approx(1.0, abs=1e-5)
    assert (profile > 0).sum() <= thickness + 2
    spread = np.sqrt(np.sum(profile * (np.arange(41) - 20) ** 2))
    assert spread == pytest.approx(np.sqrt(max(thickness**2 - 1, 0) / 12), abs=0.35)
