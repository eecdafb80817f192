"""The exams of the page with their ratings, as values for the variables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.web.exam_ratings import RatingFile
from NephroSynthLib.web.viewed_exams import ViewedExam


class RatedExams:
    """The list of the exams, and the rating of each.

    Args:
        exams: The exams.
        ratings: The file of the ratings.
    """

    def __init__(self, exams: Sequence[ViewedExam], ratings: RatingFile) -> None:
        self._exams, self._ratings = exams, ratings

    def listed(self) -> dict[str, Any]:
        """Returns the list of the exams and the number of those with a rating."""
        return {
            "exams": [self._line_of(exam) for exam in self._exams],
            "rated": sum(self._ratings[exam.name].rating is not None for exam in self._exams),
        }

    def described(self, index: int) -> dict[str, Any]:
        """Returns the grade and the note of an exam, and the time when they were saved."""
        rating = self._ratings[self._exams[index].name]
        saved = f"Saved {rating.changed}" if rating.changed else ""
        return {"rating": rating.rating, "note": rating.note, "saved": saved}

    def rate(self, index: int, grade: int, note: str) -> dict[str, Any]:
        """Saves the grade of an exam with its note; the grade that it has already is taken back.

        Returns:
            The new values of the variables, or the reason why nothing was saved.
        """
        before = self._ratings[self._exams[index].name].rating
        return self._save(index, None if grade == before else grade, note)

    def note(self, index: int, text: str) -> dict[str, Any]:
        """Saves the note of an exam, and returns as `rate` does."""
        return self._save(index, self._ratings[self._exams[index].name].rating, text)

    def _save(self, index: int, grade: int | None, note: str) -> dict[str, Any]:
        try:
            self._ratings.rate(self._exams[index].name, grade, note)
        except (NephroSynthError, ValueError) as error:
            return {"saved": f"Not saved: {error}"}
        changed = {name: value for name, value in self.described(index).items() if name != "note"}
        return changed | self.listed()

    def _line_of(self, exam: ViewedExam) -> dict[str, Any]:
        warned = f" {exam.warnings} warnings." if exam.warnings > 1 else " 1 warning." if exam.warnings else ""
        return {
            "name": exam.name,
            "state": exam.state,
            "verdict": exam.verdict + warned,
            "rating": self._ratings[exam.name].rating,
        }
