"""Stage 2 finds how a kidney moved, is not steered by iodine, and says when it found nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.registration.geometry import apply, translation
from NephroSynthLib.registration.kidney_stage import KidneyMotion, nearest_rigid, register_kidney


def _register(pair: Any, side: str, *, with_moving_mask: bool = True) -> KidneyMotion:
    label = {"right": 1, "left": 2}[side]
    moving_mask = pair.moving.labels == label if with_moving_mask else None
    return register_kidney(pair.fixed.image, pair.moving.image, pair.fixed.labels == label, moving_mask, np.eye(4))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("with_moving_mask", [True, False])
def test_the_motion_of_each_kidney_is_found(pair: Any, side: str, with_moving_mask: bool) -> None:
    motion = _register(pair, side, with_moving_mask=with_moving_mask)
    points = pair.kidney_points(side)
    assert motion.rejected == ""
    assert np.linalg.norm(apply(motion.matrix, points) - apply(pair.moving.maps[side], points), axis=1).mean() < 1.2


def test_a_kidney_that_was_placed_by_hand_starts_there(pair: Any) -> None:
    """It moved by 75 mm, farther than the stage looks by itself."""
    shift = translation(np.array([75.0, 0.0, 0.0]))
    moving = sitk.Image(pair.moving.image)
    moving.SetOrigin((np.array(moving.GetOrigin()) + shift[:3, 3]).tolist())
    truth, points = shift @ pair.moving.maps["right"], pair.kidney_points("right")
    by_hand = translation(np.array([3.0, -3.0, 6.0])) @ truth
    phases = (pair.fixed.image, moving, pair.fixed.labels == 1, None, np.eye(4))
    found = register_kidney(*phases, by_hand)
    assert found.rejected == ""
    assert np.linalg.norm(apply(found.matrix, points) - apply(truth, points), axis=1).mean() < 1.2
    alone = register_kidney(*phases)
    assert np.linalg.norm(apply(alone.matrix, points) - apply(truth, points), axis=1).mean() > 20.0


def test_iodine_in_the_pelvis_does_not_steer(pair: Any, draw_pair: Any) -> None:
    without = draw_pair(pelvis=10.0)
    for side in ("right", "left"):
        points = pair.kidney_points(side)
        moved = [apply(_register(each, side).matrix, points) for each in (pair, without)]
        assert np.linalg.norm(moved[0] - moved[1], axis=1).mean() < 0.5


def test_a_phase_without_kidney_is_rejected_in_words(pair: Any) -> None:
    fat = pair.moving.image * 0.0 - 100.0
    motion = register_kidney(pair.fixed.image, fat, pair.fixed.labels == 1, None, np.eye(4))
    assert motion.rejected
    assert np.array_equal(motion.matrix, np.eye(4))


def test_a_kidney_that_is_aligned_already_is_no_reason_for_doubt(pair: Any) -> None:
    image = pair.fixed.image
    motion = register_kidney(image, image, pair.fixed.labels == 1, pair.fixed.labels == 1, np.eye(4))
    assert motion.rejected == ""
    assert np.allclose(motion.matrix, np.eye(4), atol=1e-3)


def test_a_phase_that_lies_elsewhere_is_rejected(pair: Any) -> None:
    elsewhere = sitk.Image(pair.moving.image)
    elsewhere.SetOrigin((900.0, 900.0, 900.0))
    assert register_kidney(pair.fixed.image, elsewhere, pair.fixed.labels == 1, None, np.eye(4)).rejected


def test_the_nearest_rigid_map_of_a_rigid_map_is_itself_and_keeps_the_centre() -> None:
    matrix = np.eye(4)
    matrix[:3, :3] += np.random.default_rng(0).normal(0, 0.05, (3, 3))
    matrix[:3, 3] = (4.0, 5.0, 6.0)
    center = np.array([50.0, 20.0, -30.0])
    rigid = nearest_rigid(matrix, center)
    assert np.allclose(rigid[:3, :3] @ rigid[:3, :3].T, np.eye(3))
    assert np.allclose(apply(rigid, center), apply(matrix, center))
    assert np.allclose(nearest_rigid(rigid, center), rigid)
