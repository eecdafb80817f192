"""The fused map: each kidney's own motion in it, the affine map far away, smooth and invertible between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import logm
from scipy.spatial.transform import Rotation

from NephroSynthLib.registration.fusion import exponential, fuse, jacobian_determinant
from NephroSynthLib.registration.geometry import WorkingGrid, apply

CENTERS = np.array([[-55.0, 30.0, 0.0], [55.0, 35.0, 10.0]])


def _ellipsoid(center: np.ndarray) -> sitk.Image:
    grid = WorkingGrid.between(center - np.array([30.0, 30.0, 60.0]), center + np.array([30.0, 30.0, 60.0]), 2.5)
    inside = (((grid.points() - center) / [26.0, 24.0, 52.0]) ** 2).sum(-1) < 1
    return grid.image(inside.astype(np.uint8))


MASKS = [_ellipsoid(center) for center in CENTERS]


def _motion(center: np.ndarray, shift: np.ndarray, turn_deg: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    matrix[:3, 3] = center + shift - matrix[:3, :3] @ center
    return matrix


def _affine() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] += np.random.default_rng(1).normal(0, 0.01, (3, 3))
    matrix[:3, 3] = (3.0, -2.0, 5.0)
    return matrix


MOTIONS = [
    _motion(CENTERS[0], np.array([2.0, -3.0, -16.0]), np.array([5.0, -4.0, 3.0])),
    _motion(CENTERS[1], np.array([-1.0, 4.0, 14.0]), np.array([-4.0, 3.0, -6.0])),
]


def _moved(transform: sitk.Transform, points: np.ndarray) -> np.ndarray:
    return np.array([transform.TransformPoint(point.tolist()) for point in points])


def _inside(mask: sitk.Image) -> np.ndarray:
    z, y, x = np.nonzero(sitk.GetArrayFromImage(mask))
    points = np.stack([x, y, z], -1) * np.array(mask.GetSpacing()) + np.array(mask.GetOrigin())
    return points[::101]


def test_each_kidney_moves_by_its_own_motion() -> None:
    fused = fuse(_affine(), MOTIONS, MASKS)
    for mask, motion in zip(MASKS, MOTIONS, strict=True):
        points = _inside(mask)
        assert np.abs(_moved(fused.transform, points) - apply(motion, points)).max() < 0.15


def test_far_away_the_affine_map_is_left_alone() -> None:
    fused = fuse(_affine(), MOTIONS, MASKS)
    points = np.array([[-55.0, -60.0, 0.0], [0.0, 30.0, 160.0], [150.0, 30.0, 10.0], [900.0, -900.0, 900.0]])
    assert np.allclose(_moved(fused.transform, points), apply(_affine(), points), atol=1e-6)


def test_without_kidneys_it_is_the_affine_map() -> None:
    fused = fuse(_affine(), (), ())
    points = np.random.default_rng(0).uniform(-100, 100, (5, 3))
    assert np.allclose(_moved(fused.transform, points), apply(_affine(), points))
    assert fused.min_jacobian == pytest.approx(np.linalg.det(_affine()[:3, :3]))


@settings(max_examples=6, deadline=None)
@given(
    shifts=st.lists(st.floats(-14, 14), min_size=6, max_size=6),
    turns=st.lists(st.floats(-8, 8), min_size=6, max_size=6),
)
def test_nothing_folds_whatever_the_motions(shifts: list[float], turns: list[float]) -> None:
    motions = [
        _motion(center, np.array(shifts[3 * k : 3 * k + 3]), np.array(turns[3 * k : 3 * k + 3]))
        for k, center in enumerate(CENTERS)
    ]
    assert fuse(np.eye(4), motions, MASKS).min_jacobian > 0.1


def test_opposite_kidneys_that_touch_do_not_fold() -> None:
    touching = [_ellipsoid(np.array([-25.0, 0.0, 0.0])), _ellipsoid(np.array([25.0, 0.0, 0.0]))]
    motions = [_motion(np.zeros(3), np.array([0, 0, z]), np.zeros(3)) for z in (-10.0, 10.0)]
    assert fuse(np.eye(4), motions, touching).min_jacobian > 0.1


def test_the_flow_backwards_undoes_the_flow() -> None:
    grid = WorkingGrid.between((-60.0, -60.0, -60.0), (60.0, 60.0, 60.0), 3.0)
    points = grid.points()
    weights = [np.exp(-((points - center) ** 2).sum(-1) / (2 * 18.0**2)) for center in ([-15, 0, 0], [15, 0, 0])]
    velocities = [np.real(logm(motion)) for motion in MOTIONS]
    there = exponential(grid, weights, velocities)
    back = exponential(grid, weights, [-velocity for velocity in velocities])
    reached = grid.indices(points + there)
    returned = np.stack([ndi.map_coordinates(back[..., axis], reached, order=1) for axis in range(3)], -1)
    core = (slice(8, -8),) * 3
    assert np.linalg.norm(there[core], axis=-1).max() > 8.0
    assert np.linalg.norm((there + returned)[core], axis=-1).max() < 0.3


def test_the_jacobian_determinant_agrees_with_itk() -> None:
    grid = WorkingGrid.between((0.0, 0.0, 0.0), (30.0, 24.0, 18.0), 3.0)
    points = grid.points()
    displacement = 2 * np.sin(points / 9.0) + 0.1 * points[..., ::-1]
    image = sitk.Cast(grid.image(displacement, is_vector=True), sitk.sitkVectorFloat64)
    expected = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(image))
    core = (slice(1, -1),) * 3
    assert np.allclose(jacobian_determinant(displacement, 3.0)[core], expected[core], atol=1e-5)


def test_written_and_read_it_moves_points_the_same(tmp_path: Path) -> None:
    transform = fuse(_affine(), MOTIONS, MASKS).transform
    sitk.WriteTransform(transform, str(tmp_path / "map.h5"))
    again = sitk.ReadTransform(str(tmp_path / "map.h5"))
    points = np.random.default_rng(2).uniform(-120, 120, (50, 3))
    assert np.allclose(_moved(again, points), _moved(transform, points), atol=1e-9)
