"""An initial transform becomes an affine map and the motions of the kidneys that it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import UsageError
from NephroSynthLib.registration.fusion import fuse
from NephroSynthLib.registration.geometry import affine_transform, translation
from NephroSynthLib.registration.initial_map import InitialMap, in_frame


def _masks(pair: Any) -> dict[str, sitk.Image]:
    return {"right": pair.fixed.labels == 1, "left": pair.fixed.labels == 2}


def test_a_linear_transform_is_the_affine_map_and_moves_no_kidney_alone(pair: Any) -> None:
    matrix = pair.moving.maps["right"]
    found = InitialMap.of(affine_transform(matrix), pair.fixed.image, _masks(pair))
    assert np.allclose(found.map.affine, matrix, atol=1e-6)
    assert not found.motions
    assert found.note == "The registration started from an initial transform."


def test_a_transform_of_one_kidney_is_the_motion_of_that_kidney(pair: Any) -> None:
    masks, motion = _masks(pair), pair.moving.maps["left"]
    transform = fuse(translation([1.0, 2.0, 3.0]), [motion], [masks["left"]]).transform
    found = InitialMap.of(transform, pair.fixed.image, masks)
    assert np.allclose(found.map.affine, translation([1.0, 2.0, 3.0]), atol=1e-6)
    assert list(found.motions) == ["left"]
    assert found.note.endswith("transform; the left kidney started at its own motion.")
    assert np.allclose(found.motions["left"], motion, atol=0.02)
    assert found.map.min_jacobian > 0


def test_a_transform_that_flattens_the_body_is_refused(pair: Any) -> None:
    flat = sitk.AffineTransform(3)
    flat.SetMatrix((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(UsageError):
        InitialMap.of(flat, pair.fixed.image, {})


def test_a_transform_follows_the_phase_to_another_frame() -> None:
    initial = sitk.TranslationTransform(3, (1.0, 0.0, 0.0))
    assert in_frame(initial, None) is initial
    moved = in_frame(initial, translation([0.0, 0.0, 100.0]))
    assert moved.TransformPoint((0.0, 0.0, 0.0)) == pytest.approx((1.0, 0.0, -100.0))
