"""The landmarks of a request are read before any work, with the map that the settings want."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.landmark_input import RegisteringRequest
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.registration.markups import as_table


def _file(folder: Path, count: int) -> Path:
    path = folder / f"{count}.csv"
    path.write_text(as_table({f"p{i}": (10.0 * i, float(i * i), 5.0 * (i % 3)) for i in range(count)}))
    return path


def test_pairs_take_the_use_of_the_settings(tmp_path: Path) -> None:
    file = _file(tmp_path, 5)
    settings = {"registration": {"landmark_use": "thin-plate"}}
    request = parse(RegisteringRequest, {"landmarks": file, "excretory_landmarks": file, "settings": settings})
    landmarks = request.read_landmarks()
    assert landmarks is not None
    assert (len(landmarks.fixed), landmarks.kind, landmarks.replaces) == (5, "thin-plate", True)
    assert parse(RegisteringRequest, {}).read_landmarks() is None


def test_too_few_pairs_and_a_missing_half_are_refused(tmp_path: Path) -> None:
    file = _file(tmp_path, 2)
    with pytest.raises(UsageError, match="2 landmark pairs"):
        parse(RegisteringRequest, {"landmarks": file, "excretory_landmarks": file}).read_landmarks()
    with pytest.raises(UsageError, match="non-contrast phase are missing"):
        parse(RegisteringRequest, {"excretory_landmarks": file})
