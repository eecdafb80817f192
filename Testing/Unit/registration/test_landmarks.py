"""Landmarks: exact on exact pairs, best on noisy ones, and clear about pairs that fix nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from NephroSynthLib.errors import UsageError
from NephroSynthLib.registration import Landmarks
from NephroSynthLib.registration.geometry import apply


def _points(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-100, 100, (count, 3))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 12))
def test_a_rigid_map_is_found_from_exact_pairs(seed: int, count: int) -> None:
    truth = np.eye(4)
    truth[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    truth[:3, 3] = _points(seed + 1, 1)[0]
    fixed = _points(seed, count)
    assert np.allclose(Landmarks(fixed, apply(truth, fixed)).fit(), truth, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_affine_map_is_found_from_exact_pairs(seed: int) -> None:
    truth = np.eye(4)
    truth[:3] += np.random.default_rng(seed).normal(0, 0.2, (3, 4))
    fixed = _points(seed, 8)
    assert np.allclose(Landmarks(fixed, apply(truth, fixed), "affine").fit(), truth, atol=1e-8)


def test_a_rigid_fit_to_noisy_pairs_agrees_with_scipy() -> None:
    fixed = _points(3, 9)
    turned = Rotation.from_euler("xyz", [10, 20, -5], degrees=True).apply(fixed)
    moving = turned + np.random.default_rng(4).normal(0, 3, (9, 3))
    expected, _ = Rotation.align_vectors(moving - moving.mean(0), fixed - fixed.mean(0))
    assert np.allclose(Landmarks(fixed, moving).fit()[:3, :3], expected.as_matrix(), atol=1e-8)


def test_mirrored_pairs_still_give_a_rotation() -> None:
    fixed = _points(5, 6)
    matrix = Landmarks(fixed, fixed * [-1, 1, 1]).fit()
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fixed", "moving", "message"),
    [
        (_points(0, 2), _points(1, 2), "do not fix a rigid map"),
        (_points(0, 4), _points(1, 5), "two lists of N points"),
        (_points(0, 4)[:, :2], _points(1, 4)[:, :2], "two lists of N points"),
        (np.full((4, 3), np.nan), _points(1, 4), "finite"),
        (np.arange(4)[:, None] * np.array([[10.0, 20.0, 5.0]]), _points(1, 4), "one line"),
        (_points(1, 4), np.arange(4)[:, None] * np.array([[10.0, 20.0, 5.0]]), "one line"),
    ],
)
def test_pairs_that_fix_nothing_are_refused(fixed: np.ndarray, moving: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Landmarks(fixed, moving)


@pytest.mark.parametrize("count", [3, 6])
def test_points_in_one_plane_give_no_affine_map(count: int) -> None:
    flat = _points(7, count) * [1, 1, 0]
    with pytest.raises(UsageError, match="plane"):
        Landmarks(flat, flat, "affine")


def test_a_thin_plate_map_meets_every_pair_and_fades_to_the_affine_map() -> None:
    fixed = _points(8, 10) * 0.6
    moving = fixed + np.random.default_rng(9).normal(0, 2, (10, 3)) + [5.0, 0.0, -10.0]
    landmarks = Landmarks(fixed, moving, "thin-plate", replaces=True)
    found = landmarks.map()
    assert landmarks.errors(found.transform).max() < 0.5
    far = (400.0, 0.0, 0.0)
    assert np.allclose(found.transform.TransformPoint(far), apply(landmarks.fit(), np.array(far)))


@pytest.mark.parametrize("kind", ["rigid", "affine", "thin-plate"])
def test_errors_of_pairs_that_are_left_out_tell_more_than_those_of_the_fit(kind: Any) -> None:
    fixed = _points(2, 9)
    landmarks = Landmarks(fixed, fixed + np.random.default_rng(3).normal(0, 2, (9, 3)), kind)
    held_out = landmarks.held_out_errors()
    assert held_out is not None
    assert held_out.mean() > 1.2 * landmarks.errors(landmarks.map().transform).mean()


def test_pairs_that_are_just_enough_leave_none_out() -> None:
    assert Landmarks(_points(1, 3), _points(1, 3)).held_out_errors() is None


def test_points_at_one_place_make_no_thin_plate_map() -> None:
    fixed = np.concatenate([_points(1, 5), _points(1, 5)[:1]])
    with pytest.raises(UsageError, match="one place"):
        Landmarks(fixed, fixed, "thin-plate")


def test_pairs_follow_their_phase_to_another_frame() -> None:
    placement = np.diag([-1.0, 1.0, 1.0, 1.0])
    placement[:3, 3] = (0.0, 0.0, 400.0)
    fixed = _points(4, 5)
    landmarks = Landmarks(fixed, apply(placement, fixed))
    assert np.allclose(landmarks.in_frame(placement).moving, fixed)
    assert landmarks.in_frame(None) is landmarks
