"""The record of an exam on disk."""

from __future__ import annotations

from pathlib import Path

from NephroSynthLib.cohort.exam_record import ExamRecord, read_record, write_record
from NephroSynthLib.cohort.input_digest import InputDigest


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    inputs = {"dicom": InputDigest(signature="s", sha256="c")}
    record = ExamRecord(exam="a", status="done", key="k", inputs=inputs, seconds=1.5, summary={"notice": "§", "x": [1]})
    write_record(record, tmp_path / "records/a.json")
    assert read_record(tmp_path / "records/a.json") == record


def test_a_record_that_is_missing_or_cut_short_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert read_record(path) is None
    write_record(ExamRecord(exam="a", status="failed"), path)
    path.write_bytes(path.read_bytes()[:-5])
    assert read_record(path) is None
