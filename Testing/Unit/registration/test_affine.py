"""Stage 1 finds a map of the whole abdomen, finds it again, and leaves no file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.registration.affine import body_mask, register_affine
from NephroSynthLib.registration.geometry import FloatArray, apply


def _affine() -> FloatArray:
    matrix = np.eye(4)
    matrix[:3, :3] += [[0.02, 0.015, -0.01], [-0.02, -0.02, 0.0], [0.01, 0.02, 0.03]]
    matrix[:3, 3] = (6.0, -8.0, 14.0)
    return matrix


@pytest.fixture(scope="module")
def moved_whole(draw_pair: Any) -> Any:
    """A pair in which all anatomy follows one affine map."""
    return draw_pair(motions={name: _affine() for name in ("body", "right", "left")})


def test_an_affine_motion_of_everything_is_found(moved_whole: Any) -> None:
    found = register_affine(moved_whole.fixed.image, moved_whole.moving.image)
    for side in ("right", "left"):
        points = moved_whole.kidney_points(side)
        assert np.linalg.norm(apply(found, points) - apply(_affine(), points), axis=1).mean() < 2.0


def test_the_same_input_gives_the_same_map_and_no_file_stays(
    pair: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    maps = [register_affine(pair.fixed.image, pair.moving.image) for _ in range(2)]
    assert np.array_equal(maps[0], maps[1])
    assert list(tmp_path.iterdir()) == []


def test_the_body_is_found_without_table_and_air() -> None:
    values = np.full((10, 40, 60), -1000.0, dtype=np.float32)
    values[:, 8:28, 10:50] = 20.0
    values[:, 14:20, 20:30] = -900.0
    values[:, 34:37, 5:55] = -100.0
    body = body_mask(values)
    assert body[:, 8:28, 10:50].sum() > 0.95 * 10 * 20 * 40
    assert not body[:, 30:].any()


def test_an_image_of_air_has_no_body_to_mask() -> None:
    assert body_mask(np.full((4, 8, 8), -1000.0, dtype=np.float32)).all()


def test_images_that_share_nothing_raise() -> None:
    fixed = sitk.Image([40, 40, 20], sitk.sitkFloat32) + 40.0
    moving = sitk.Image([40, 40, 20], sitk.sitkFloat32) + 40.0
    moving.SetOrigin((5000.0, 0.0, 0.0))
    with pytest.raises(RuntimeError):
        register_affine(fixed, moving)
