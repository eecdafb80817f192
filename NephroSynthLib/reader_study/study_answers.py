"""The answers of readers, read from the files that the page saves and checked against the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib.errors import Action, InputError, UnreadableInputError
from NephroSynthLib.reader_study.delimited_table import read_table
from NephroSynthLib.reader_study.study_key import Origin, StudyKey

COLUMNS = ("study", "reader", "picture", "quality", "answer")
GRADES = 5
"""Grades of image quality, from 1 (very poor) to 5 (excellent)."""
_ORIGINS: dict[str, Origin] = {"real": "real", "synthetic": "synthetic"}


@dataclass(frozen=True)
class Judgement:
    """The answer to one picture: grade of its quality, 1 to 5, and its supposed origin."""

    quality: int
    answer: Origin


@dataclass(frozen=True)
class StudyAnswers:
    """The answers of one reader, by name of the picture."""

    reader: str
    judgements: Mapping[str, Judgement]


def read_answers(paths: Sequence[Path], key: StudyKey) -> list[StudyAnswers]:
    """Reads the files of all readers.

    Raises:
        UnreadableInputError: If a file is missing or no table of answers.
        InputError: If a file belongs to another study, holds several readers, no answer, a picture that the key does
            not know, a picture twice or an answer outside the scale; or if two files are of one reader.
    """
    answers: list[StudyAnswers] = []
    for path in paths:
        one = _read(path, key)
        if any(one.reader.casefold() == other.reader.casefold() for other in answers):
            raise _wrong(path, f"the reader '{one.reader}' is in another file too")
        answers.append(one)
    return answers


def _read(path: Path, key: StudyKey) -> StudyAnswers:
    table = read_table(path, "file", Action.GIVE_ANSWERS)
    if sorted(table.columns) != sorted(COLUMNS):
        raise UnreadableInputError(
            f"The file '{path.name}' does not have the columns {', '.join(COLUMNS)}.", Action.GIVE_ANSWERS
        )
    readers: set[str] = set()
    judgements: dict[str, Judgement] = {}
    for line, row in table.rows:
        try:
            name, judgement = _judgement(row, key)
        except ValueError as error:
            raise _wrong(path, f"line {line} {error}") from None
        if name in judgements:
            raise _wrong(path, f"line {line} answers picture {name} again")
        judgements[name] = judgement
        readers.add(row["reader"])
    if len(readers) != 1:
        raise _wrong(path, "it holds several readers" if readers else "it holds no answer")
    return StudyAnswers(readers.pop(), judgements)


def _judgement(row: Mapping[str, str], key: StudyKey) -> tuple[str, Judgement]:
    """Reads one line.

    Raises:
        ValueError: If it is wrong; its words follow the number of the line.
    """
    study, name, quality, answer = (row[column] for column in ("study", "picture", "quality", "answer"))
    if study != key.study:
        raise ValueError("belongs to another study than the key")
    if not row["reader"]:
        raise ValueError("names no reader")
    if name not in key.pictures:
        raise ValueError(f"answers picture '{name}', which is not in the key")
    if quality not in map(str, range(1, GRADES + 1)):
        raise ValueError(f"has the quality '{quality}'; the scale is 1 to {GRADES}")
    if answer not in _ORIGINS:
        raise ValueError(f"has the answer '{answer}'; an answer is real or synthetic")
    return name, Judgement(int(quality), _ORIGINS[answer])


def _wrong(path: Path, what: str) -> InputError:
    return InputError(f"The answers in '{path.name}' cannot be used: {what}.", Action.GIVE_ANSWERS)
