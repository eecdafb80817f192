"""The landmarks of a request are read before any work, with the map that the settings want."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import UnreadableInputError, UsageError
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


def test_an_initial_transform_is_read_from_its_file_or_the_folder_of_a_result(tmp_path: Path) -> None:
    file = tmp_path / "excretory_to_noncontrast.h5"
    sitk.WriteTransform(sitk.TranslationTransform(3, (1.0, 2.0, 3.0)), str(file))
    for path in (file, tmp_path):
        initial = parse(RegisteringRequest, {"initial_transform": path}).read_initial()
        assert initial is not None
        assert initial.TransformPoint((0.0, 0.0, 0.0)) == (1.0, 2.0, 3.0)
    assert parse(RegisteringRequest, {}).read_initial() is None


def test_an_initial_transform_that_cannot_start_a_registration_is_refused(tmp_path: Path) -> None:
    flat = tmp_path / "flat.tfm"
    sitk.WriteTransform(sitk.TranslationTransform(2), str(flat))
    for path, words in ((flat, "three-dimensional"), (tmp_path / "none.h5", "missing")):
        with pytest.raises(UnreadableInputError, match=words):
            parse(RegisteringRequest, {"initial_transform": path}).read_initial()
    given = {"landmarks": _file(tmp_path, 5), "initial_transform": flat}
    with pytest.raises(UsageError, match="no use"):
        parse(RegisteringRequest, {**given, "settings": {"registration": {"landmark_use": "thin-plate"}}})
