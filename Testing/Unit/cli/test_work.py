"""A job in a worker, its output in the terminal, and the exit code of its error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from NephroSynthLib.cli.work import View, work
from NephroSynthLib.jobs.catalogue import Job
from NephroSynthLib.reader_study.study_evaluation import AnswersRequest, evaluate_answers
from NephroSynthLib.reader_study.study_key import PictureKey, StudyKey, write_key


def test_an_error_is_told_with_its_remedy_and_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(typer.Exit) as ended:
        work("simulate", {"out": tmp_path}, View(quiet=False, json=True, verbose=False))
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert ended.value.exit_code == error["exit_code"] == 2
    assert (error["class"], error["code"]) == ("UsageError", "replace-folder")
    assert "--overwrite" in error["action"]
    assert told.err == f"Error: {error['what']} {error['action']}\n"


def test_arguments_that_do_not_fit_are_refused_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("NephroSynthLib.cli.work.JobProcess", None)
    with pytest.raises(typer.Exit):
        work("simulate", {"out": "out", "count": 0}, View(quiet=True, json=False, verbose=False))
    assert "The option count must be at least 1." in capsys.readouterr().err


def test_the_summary_of_a_job_is_json_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    summary = work("models", {"action": "list"}, View(quiet=False, json=True, verbose=False))
    told = capsys.readouterr()
    assert json.loads(told.out) == summary
    assert told.err == ""


def test_the_log_goes_to_standard_error_beside_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # the worker then writes to its standard error
    summary = work("models", {"action": "list"}, View(quiet=False, json=True, verbose=True))
    told = capsys.readouterr()
    assert json.loads(told.out) == summary
    assert "import time:" in told.err


def test_a_job_in_this_process_tells_its_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = {
        "p001": PictureKey(exam="a", slice=3, origin="real"),
        "p002": PictureKey(exam="a", slice=3, origin="synthetic"),
    }
    key = StudyKey(study="s", seed=1, window_hu=(400.0, 50.0), equal_noise=False, pictures=truth)
    write_key(key, tmp_path / "key.json")
    (tmp_path / "r1.csv").write_text("study,reader,picture,quality,answer\ns,R1,p001,4,real\n", encoding="utf-8")
    name, jobs = "reader-study evaluate", {"reader-study evaluate": Job(AnswersRequest, evaluate_answers)}
    arguments = {"key": tmp_path / "key.json", "answers": [tmp_path / "r1.csv"]}
    work(name, arguments, View(quiet=True, json=False, verbose=False), jobs)
    assert capsys.readouterr().err == "Warning: The reader 'R1' answered 1 of 2 pictures.\n"
    summary = work(name, arguments, View(quiet=False, json=True, verbose=False), jobs)
    told = capsys.readouterr()
    assert json.loads(told.out) == summary
    assert (told.err, summary["readers"][0]["sensitivity"]["value"]) == ("", None)
