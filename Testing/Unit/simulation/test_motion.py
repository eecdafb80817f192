from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.habitus import Habitus, draw_habitus
from NephroSynthLib.simulation.motion import Motion, draw_motion, invert, jacobian_determinant, still

ORIGIN = np.array([10.0, -20.0, -500.0])


@pytest.fixture(scope="module", params=range(4))
def moving(request: pytest.FixtureRequest) -> tuple[Habitus, Motion]:
    rng = np.random.default_rng(request.param)
    habitus = draw_habitus(rng)
    return habitus, draw_motion(rng, habitus, ORIGIN)


def _lattice(step: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x, y, z = (torch.arange(-120.0, 121.0, step) + float(o) for o in ORIGIN)
    return x[None, None, :], y[None, :, None], z[:, None, None]


def test_motion_is_invertible(moving: tuple[Habitus, Motion]) -> None:
    _, motion = moving
    determinant = jacobian_determinant(motion(*_lattice(5.0)), (5.0, 5.0, 5.0))
    assert float(determinant.min()) > 0.2


def test_the_inverse_undoes_the_motion(moving: tuple[Habitus, Motion]) -> None:
    _, motion = moving
    x, y, z = torch.broadcast_tensors(*_lattice(20.0))
    px, py, pz = invert(motion, x, y, z)
    u = motion(px, py, pz)
    error = torch.stack([px + u[0] - x, py + u[1] - y, pz + u[2] - z]).norm(dim=0)
    assert float(error.max()) < 0.3
    assert float(error.mean()) < 0.02


def test_kidneys_move_rigidly_and_not_too_far(moving: tuple[Habitus, Motion]) -> None:
    habitus, motion = moving
    rng = np.random.default_rng(0)
    for kidney in habitus.kidneys:
        direction = rng.standard_normal((40, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        points = ORIGIN + kidney.centre + (0.9 * direction * np.asarray(kidney.half)) @ kidney.rotation.T
        x, y, z = (torch.from_numpy(c).float() for c in points.T)
        moved = points + motion(x, y, z).numpy().T
        before = np.linalg.norm(points[:, None] - points[None], axis=2)
        after = np.linalg.norm(moved[:, None] - moved[None], axis=2)
        assert np.abs(after - before).max() < 0.8
        assert np.abs((moved - points).mean(axis=0)[2]) <= 25.0


def test_the_pelvis_does_not_breathe(moving: tuple[Habitus, Motion]) -> None:
    habitus, motion = moving
    pelvis = habitus.pelvis
    corners = np.array(
        [[x, pelvis.hip[1] + y, pelvis.hip[2] + z] for x in (-60, 60) for y in (-40, 40) for z in (-20, 30)]
    )
    x, y, z = (torch.from_numpy(c).float() for c in (ORIGIN + corners).T)
    assert float(motion(x, y, z).std(dim=1).max()) < 2.0


def test_the_reference_phase_is_still() -> None:
    assert float(still()(*_lattice(40.0)).abs().max()) == 0.0


def test_determinant_of_a_linear_field_is_that_of_its_matrix() -> None:
    matrix = torch.tensor([[0.1, 0.02, -0.05], [0.03, -0.2, 0.04], [0.0, 0.1, 0.15]])
    z, y, x = torch.meshgrid(torch.arange(5) * 3.0, torch.arange(6) * 2.0, torch.arange(7) * 1.5, indexing="ij")
    displacement = torch.einsum("ij,jzyx->izyx", matrix, torch.stack([x, y, z]))
    determinant = jacobian_determinant(displacement, (1.5, 2.0, 3.0))
    expected = torch.linalg.det(torch.eye(3) + matrix)
    torch.testing.assert_close(determinant, expected.expand_as(determinant), atol=1e-4, rtol=1e-4)
