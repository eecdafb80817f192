"""The key file: written, read, and refused where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.reader_study.study_key import StudyKey, read_key, write_key


def test_a_key_comes_back_as_it_was_written(key: StudyKey, tmp_path: Path) -> None:
    write_key(key, tmp_path / "new" / "key.json")
    assert read_key(tmp_path / "new" / "key.json") == key


@pytest.mark.parametrize("text", ["", "[]", '{"study": "s"}', "exam,real"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableInputError, match=r"'key\.json'"):
        read_key(tmp_path / "key.json")


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="does not exist"):
        read_key(tmp_path / "key.json")
