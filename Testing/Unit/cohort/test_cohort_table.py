"""The table of a cohort."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from NephroSynthLib.cohort.cohort_table import MISSED, REACHED, row_of, write_table
from NephroSynthLib.cohort.exam_record import ExamRecord

SUMMARY = {
    "notice": "Research use only.",
    "registration": {"passed": True, "ssim_after": 0.8, "kidneys": {"left": 0.7}},
    "synthesis": {"region_size": [3, 4, 5]},
    "metrics": None,
    "warnings": ["One.", "Two; three."],
    "settings": {"seed": 0},
}


def test_a_row_has_every_figure_by_its_place() -> None:
    row = row_of(ExamRecord(exam="a", status="done", seconds=2.5, summary=SUMMARY), "test")
    assert (row["exam"], row["split"], row["status"], row["verdict"]) == ("a", "test", "done", REACHED)
    assert (row["registration.ssim_after"], row["registration.kidneys.left"], row["seconds"]) == (0.8, 0.7, 2.5)
    assert (row["synthesis.region_size"], row["warnings"]) == ("3 | 4 | 5", "One. | Two; three.")
    assert not any(name.startswith(("settings", "notice", "metrics")) for name in row)


def test_verdicts_are_those_of_the_gate() -> None:
    missed = {"registration": {"passed": False}}
    assert row_of(ExamRecord(exam="a", status="done", summary=missed), "")["verdict"] == MISSED
    assert row_of(ExamRecord(exam="a", status="failed", reason="Why."), "")["verdict"] == ""


def test_both_files_hold_the_same_rows(tmp_path: Path) -> None:
    rows = [
        row_of(ExamRecord(exam="a", status="done", summary=SUMMARY), ""),
        row_of(ExamRecord(exam="b", status="failed", reason='It says "no", twice.', error="InputError"), "train"),
    ]
    files = write_table(rows, tmp_path)
    with files[0].open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["exam"] for row in found] == ["a", "b"]
    assert (found[1]["reason"], found[1]["registration.ssim_after"]) == ('It says "no", twice.', "")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    stored = parquet.read_table(files[1]).to_pylist()
    assert stored[0]["registration.ssim_after"] == 0.8
    assert stored[1]["registration.ssim_after"] is None
    assert [["" if value is None else str(value) for value in row.values()] for row in stored] == [
        list(row.values()) for row in found
    ]
