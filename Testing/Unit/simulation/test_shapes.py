from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.shapes import (
    curve,
    ellipse_cylinder,
    rotation_matrix,
    round_cone,
    smooth_intersection,
    smooth_union,
    superellipsoid,
    to_local,
)


def _points(seed: int, scale: float = 20.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x, y, z = torch.randn(3, 500, generator=torch.Generator().manual_seed(seed)) * scale
    return x, y, z


def test_a_sphere_gives_exact_distances() -> None:
    x, y, z = _points(0)
    centre = torch.tensor([3.0, -4.0, 5.0])
    expected = ((x - 3) ** 2 + (y + 4) ** 2 + (z - 5) ** 2).sqrt() - 12.0
    torch.testing.assert_close(superellipsoid(x, y, z, centre.numpy(), (12, 12, 12)), expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("power", [2.0, 2.5, 4.0])
def test_the_sign_tells_inside_from_outside(power: float) -> None:
    x, y, z = _points(1)
    turn = rotation_matrix(20, 30, 40)
    u, v, w = to_local(x, y, z, (1, 2, 3), turn)
    level = (u / 10).abs() ** power + (v / 20).abs() ** power + (w / 30).abs() ** power
    distance = superellipsoid(x, y, z, (1, 2, 3), (10, 20, 30), power, turn)
    assert torch.equal(distance < 0, level < 1)


def test_rotation_is_orthonormal_and_right_handed() -> None:
    turn = rotation_matrix(10, -35, 70)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


def test_round_cone_is_the_distance_to_a_densely_sampled_segment() -> None:
    x, y, z = _points(2)
    start, end = np.array([-10.0, 0.0, 5.0]), np.array([12.0, 8.0, -6.0])
    along = torch.from_numpy(start + np.linspace(0, 1, 2001)[:, None] * (end - start)).float()
    nearest = torch.cdist(torch.stack([x, y, z], dim=1), along).min(dim=1).values
    torch.testing.assert_close(round_cone(x, y, z, start, end, 3.0, 3.0), nearest - 3.0, atol=0.02, rtol=1e-3)


def test_blends_stay_within_the_blend_of_the_sharp_operation() -> None:
    a, b, _ = _points(3)
    union, intersection = smooth_union(a, b, 8.0), smooth_intersection(a, b, 8.0)
    assert torch.all((torch.minimum(a, b) - union >= 0) & (torch.minimum(a, b) - union <= 2.0 + 1e-5))
    assert torch.all((intersection - torch.maximum(a, b) >= 0) & (intersection - torch.maximum(a, b) <= 2.0 + 1e-5))


def test_a_curve_passes_through_its_points() -> None:
    points = np.random.default_rng(0).uniform(-50, 50, (6, 3))
    course = curve(points, 2.0)
    distance = np.linalg.norm(course[None] - points[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(distance, 0.0, atol=1e-9)


def test_a_cylinder_is_as_deep_on_its_axis_as_its_smaller_radius() -> None:
    line = torch.linspace(-1.0, 1.0, 201)
    distance = ellipse_cylinder(line, torch.zeros(()), (0.0, 0.0), (torch.tensor(40.0), 25.0), 2.4)
    assert float(distance[100]) == -25.0
    assert float(distance.max()) < -24.0
