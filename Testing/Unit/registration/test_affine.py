"""Stage 1 finds a map of the whole abdomen, finds it again, and leaves no file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from NephroSynthLib.registration.affine import register_affine
from NephroSynthLib.registration.geometry import FloatArray, apply, translation


def _affine() -> FloatArray:
    matrix = np.eye(4)
    matrix[:3, :3] += [[0.02, 0.015, -0.01], [-0.02, -0.02, 0.0], [0.01, 0.02, 0.03]]
    matrix[:3, 3] = (6.0, -8.0, 14.0)
    return matrix


@pytest.fixture(scope="module")
def moved_whole(draw_pair: Any) -> Any:
    """A pair in which all anatomy follows one affine map."""
    return draw_pair(motions={name: _affine() for name in ("body", "right", "left")})


def test_most_of_an_affine_motion_of_everything_is_found(moved_whole: Any) -> None:
    found = register_affine(moved_whole.fixed.image, moved_whole.moving.image)
    points = np.concatenate([moved_whole.kidney_points(side) for side in ("right", "left")])
    truth = apply(_affine(), points)
    before, after = (np.linalg.norm(guess - truth, axis=1).mean() for guess in (points, apply(found, points)))
    assert before > 15.0
    assert after < before / 3


def test_the_same_input_gives_the_same_map_and_no_file_stays(
    pair: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    maps = [register_affine(pair.fixed.image, pair.moving.image) for _ in range(2)]
    assert np.array_equal(maps[0], maps[1])
    assert list(tmp_path.iterdir()) == []


def test_the_better_of_several_starts_is_taken(pair: Any) -> None:
    """From 400 mm beside the patient there is no way back, so a wrong choice cannot go unseen."""
    far = translation((400.0, 0.0, 0.0))
    chosen = register_affine(pair.fixed.image, pair.moving.image, (far, np.eye(4)))
    assert np.array_equal(chosen, register_affine(pair.fixed.image, pair.moving.image, (np.eye(4), far)))
    assert np.abs(chosen - np.eye(4))[:3, 3].max() < 20.0
