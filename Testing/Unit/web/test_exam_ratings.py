"""Tests the file of ratings."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from NephroSynthLib.errors import ResourceError, UnreadableInputError
from NephroSynthLib.web.exam_ratings import LONGEST_NOTE, ExamRating, RatingFile


def test_a_rating_is_in_the_file_at_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    ratings = RatingFile(path)
    assert not path.exists()
    ratings.rate("b", 4, ' Left kidney, "lower" pole\nis off ')
    ratings.rate("a", None, "Later")
    again = RatingFile(path)
    assert (again["b"].rating, again["b"].note) == (4, 'Left kidney, "lower" pole\nis off')
    assert (again["a"].rating, again["a"].note) == (None, "Later")
    assert again["c"] == ExamRating()
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["exam"] for row in csv.DictReader(file)] == ["a", "b"]


def test_the_same_rating_changes_nothing_and_another_view_s_exams_stay(tmp_path: Path) -> None:
    ratings = RatingFile(tmp_path / "ratings.csv")
    first = ratings.rate("a", 3, "")
    assert ratings.rate("a", 3, " ") is first
    RatingFile(tmp_path / "ratings.csv").rate("b", 5, "")
    assert RatingFile(tmp_path / "ratings.csv")["a"] == first


def test_a_note_has_an_end(tmp_path: Path) -> None:
    assert len(RatingFile(tmp_path / "ratings.csv").rate("a", 1, "x" * 9999).note) == LONGEST_NOTE


def test_a_grade_off_the_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 to 5, not 6"):
        RatingFile(tmp_path / "ratings.csv").rate("a", 6, "")
    assert not (tmp_path / "ratings.csv").exists()


def test_a_file_that_cannot_be_written_leaves_the_ratings_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ratings = RatingFile(tmp_path / "file" / "ratings.csv")
    with pytest.raises(ResourceError):
        ratings.rate("a", 1, "")
    assert ratings["a"].rating is None


@pytest.mark.parametrize(
    "text", ["exam;rating\n", "exam,rating,note,changed\na,9,,\n", "exam,rating,note,changed\na,x,,\n"]
)
def test_another_file_is_never_taken_for_ratings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(text)
    with pytest.raises(UnreadableInputError, match=r"ratings\.csv"):
        RatingFile(path)
