from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.web.exam_ratings import RatingFile
from NephroSynthLib.web.rated_exams import RatedExams
from NephroSynthLib.web.viewed_exams import ViewedExam


@pytest.fixture
def rated(tmp_path: Path) -> RatedExams:
    exams = [
        ViewedExam("first", None, "passed", "Passed.", warnings=2),
        ViewedExam("second", None, "missed", "Missed.", warnings=1),
    ]
    return RatedExams(exams, RatingFile(tmp_path / "ratings.csv"))


def test_the_list_tells_verdicts_warnings_and_grades(rated: RatedExams) -> None:
    rated.rate(1, 3, "")
    listed = rated.listed()
    assert [line["verdict"] for line in listed["exams"]] == ["Passed. 2 warnings.", "Missed. 1 warning."]
    assert [line["rating"] for line in listed["exams"]] == [None, 3]
    assert listed["rated"] == 1


def test_the_same_grade_again_takes_it_back_and_keeps_the_note(rated: RatedExams) -> None:
    rated.rate(0, 4, "a note")
    assert rated.described(0)["rating"] == 4
    assert rated.rate(0, 4, "a note")["rating"] is None
    assert rated.described(0)["note"] == "a note"


def test_a_note_keeps_the_grade(rated: RatedExams) -> None:
    rated.rate(0, 2, "")
    changed = rated.note(0, "dark")
    assert changed["rating"] == 2
    assert changed["saved"].startswith("Saved ")
    assert "note" not in changed  # the text that the person is writing stays
    assert rated.described(0)["note"] == "dark"


def test_a_grade_that_does_not_exist_is_told(rated: RatedExams) -> None:
    assert rated.rate(0, 9, "")["saved"].startswith("Not saved: ")
    assert rated.described(0) == {"rating": None, "note": "", "saved": ""}
