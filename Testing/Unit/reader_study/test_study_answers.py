"""Answers of readers, and answers that do not fit the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from NephroSynthLib.errors import InputError, UnreadableInputError
from NephroSynthLib.reader_study.study_answers import Judgement, read_answers
from NephroSynthLib.reader_study.study_key import StudyKey

Write = Callable[..., Path]


def test_answers_are_read_by_reader_and_picture(key: StudyKey, write_answers: Write) -> None:
    paths = [
        write_answers("R1", {"p001": (4, "real"), "p002": (2, "real")}),
        write_answers("R2", {"p001": (5, "real")}),
    ]
    first, second = read_answers(paths, key)
    assert (first.reader, second.reader) == ("R1", "R2")
    assert first.judgements == {"p001": Judgement(4, "real"), "p002": Judgement(2, "real")}


def test_a_file_that_a_spreadsheet_saved_is_read(key: StudyKey, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = f"study;reader;picture;quality;answer\r\n{key.study};R1;p003;1;synthetic\r\n"
    path.write_text(text, encoding="utf-8-sig")
    (one,) = read_answers([path], key)
    assert one.judgements == {"p003": Judgement(1, "synthetic")}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"p001": (0, "real")}, "line 2 has the quality '0'; the scale is 1 to 5"),
        ({"p001": (6, "real")}, "quality '6'"),
        ({"p001": ("3.5", "real")}, "quality '3.5'"),
        ({"p001": ("", "real")}, "quality ''"),
        ({"p001": (3, "real"), "p002": (3, "unsure")}, "line 3 has the answer 'unsure'"),
        ({"p009": (3, "real")}, "picture 'p009', which is not in the key"),
        ({}, "no answer"),
    ],
)
def test_answers_that_do_not_fit_are_refused(
    key: StudyKey, write_answers: Write, rows: dict[str, tuple[object, str]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_answers([write_answers("R1", rows)], key)


def test_answers_of_another_study_or_reader_are_refused(key: StudyKey, write_answers: Write, tmp_path: Path) -> None:
    rows = {"p001": (3, "real")}
    with pytest.raises(InputError, match="another study"):
        read_answers([write_answers("R1", rows, study="study-other")], key)
    with pytest.raises(InputError, match="names no reader"):
        read_answers([write_answers("", rows)], key)
    with pytest.raises(InputError, match="'r1' is in another file too"):
        read_answers([write_answers("R1", rows), write_answers("r1", rows)], key)
    one = write_answers("R1", rows)
    line = one.read_text("utf-8").splitlines()[1]
    for added, words in ((line, "answers picture p001 again"), (line.replace("R1,p001", "R2,p002"), "several readers")):
        (tmp_path / "more.csv").write_text(f"{one.read_text('utf-8')}{added}\n", encoding="utf-8")
        with pytest.raises(InputError, match=words):
            read_answers([tmp_path / "more.csv"], key)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"exam,real\na,b\n"])
def test_another_file_is_refused(key: StudyKey, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableInputError, match=r"'a\.csv'"):
        read_answers([tmp_path / "a.csv"], key)


def test_a_missing_file_is_refused(key: StudyKey, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="does not exist"):
        read_answers([tmp_path / "none.csv"], key)
