"""Tests which exams a folder holds, and that nothing outside of it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from NephroSynthLib.cohort.exam_record import ExamRecord, write_record
from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.web.viewed_exams import find_exams, is_within, read_summary


def result(folder: Path, passed: bool = True, warnings: int = 0) -> Path:
    folder.mkdir(parents=True)
    summary = {"registration": {"passed": passed, "reasons": []}, "warnings": ["A doubt."] * warnings}
    (folder / "result.json").write_text(json.dumps(summary))
    (folder / "synthetic_nephrographic.nii.gz").touch()
    return folder


def test_a_result_is_its_only_exam(tmp_path: Path) -> None:
    folder = result(tmp_path / "one", warnings=2)
    (folder / "report.html").touch()
    (exam,) = find_exams(folder)
    assert (exam.name, exam.state, exam.warnings, exam.report) == ("one", "passed", 2, folder / "report.html")


def test_a_cohort_lists_results_by_name_and_failed_exams_with_their_reason(tmp_path: Path) -> None:
    result(tmp_path / "exams" / "b", passed=False)
    result(tmp_path / "exams" / "A")
    for name, status, reason in (("c", "failed", "The file is broken."), ("A", "done", "")):
        write_record(ExamRecord(exam=name, status=status, reason=reason), tmp_path / "records" / f"{name}.json")
    exams = find_exams(tmp_path)
    assert [(exam.name, exam.state) for exam in exams] == [("A", "passed"), ("b", "missed"), ("c", "failed")]
    assert exams[2].verdict == "The file is broken."
    assert exams[2].folder is None
    assert exams[2].report is None


def test_a_folder_of_results_is_a_list_without_the_outputs_of_other_commands(tmp_path: Path) -> None:
    result(tmp_path / "x")
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "result.json").write_text("{}")
    assert [exam.name for exam in find_exams(tmp_path)] == ["x"]


def test_a_link_out_of_the_folder_is_left_out(tmp_path: Path) -> None:
    outside = result(tmp_path / "outside")
    result(tmp_path / "seen" / "inside")
    (tmp_path / "seen" / "link").symlink_to(outside)
    assert [exam.name for exam in find_exams(tmp_path / "seen")] == ["inside"]
    assert not is_within(tmp_path / "seen" / "link", tmp_path / "seen")


def test_a_damaged_summary_gives_no_verdict(tmp_path: Path) -> None:
    folder = result(tmp_path / "one")
    (folder / "result.json").write_text("{")
    assert read_summary(folder) == {}
    assert find_exams(folder)[0].state == "unknown"


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_a_result_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableInputError, match=name):
        find_exams(tmp_path / name)
