"""The ratings and notes of exams, in a CSV file that each change replaces as a whole."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.files.staging import staged_file

RATINGS = "ratings.csv"
COLUMNS = ("exam", "rating", "note", "changed")
GRADES = {1: "unusable", 2: "poor", 3: "fair", 4: "good", 5: "excellent"}
"""The grades with their words, worst first."""
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class ExamRating:
    """The judgement of a person on an exam.

    Attributes:
        rating: A grade of `GRADES`; None for none.
        note: Free text, empty for none.
        changed: The time of the last change, in UTC as ISO 8601; empty if there was none.
    """

    rating: int | None = None
    note: str = ""
    changed: str = ""


class RatingFile:
    """The file of all ratings. Exams that it holds and the view does not are kept.

    Args:
        path: The CSV file. It is made with the first rating.

    Raises:
        UnreadableInputError: If there is a file that holds no ratings.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ratings = _read(path) if path.exists() else {}

    def __getitem__(self, exam: str) -> ExamRating:
        """The rating of an exam; an empty one if it has none."""
        return self._ratings.get(exam, ExamRating())

    def rate(self, exam: str, rating: int | None, note: str) -> ExamRating:
        """Sets the rating of an exam, and writes the file.

        Args:
            exam: Its name.
            rating: A grade of `GRADES`; None for none.
            note: Free text, of which the first 2000 characters are kept.

        Raises:
            ResourceError: If the file cannot be written. The ratings are as before then.
            ValueError: If the grade is not on the scale.
        """
        if rating is not None and rating not in GRADES:
            raise ValueError(f"The scale is {min(GRADES)} to {max(GRADES)}, not {rating}.")
        note = note.strip()[:LONGEST_NOTE]
        before = self[exam]
        if (before.rating, before.note) == (rating, note):
            return before
        changed = ExamRating(rating, note, datetime.now(timezone.utc).isoformat(timespec="seconds"))
        ratings = {**self._ratings, exam: changed}
        _write(self.path, ratings)
        self._ratings = ratings
        return changed


def _read(path: Path) -> dict[str, ExamRating]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error
    table = csv.DictReader(io.StringIO(text), restkey="", restval="")
    if tuple(table.fieldnames or ()) != COLUMNS:
        raise _unreadable(path)
    found = {}
    for row in table:
        if row["rating"] not in ("", *map(str, GRADES)):
            raise _unreadable(path)
        rating = int(row["rating"]) if row["rating"] else None
        found[row["exam"]] = ExamRating(rating, row["note"], row["changed"])
    return found


def _write(path: Path, ratings: dict[str, ExamRating]) -> None:
    with staged_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for exam, one in sorted(ratings.items()):
            writer.writerow((exam, "" if one.rating is None else one.rating, one.note, one.changed))


def _unreadable(path: Path) -> UnreadableInputError:
    return UnreadableInputError(f"The file '{path.name}' holds no ratings of exams.", Action.GIVE_RATINGS)
