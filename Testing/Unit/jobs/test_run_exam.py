"""A run takes its phases from files or from one DICOM exam, and refuses anything else before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.jobs.run_exam import DemoRequest, RunRequest
from NephroSynthLib.progress import Progress

PHASES = {"noncontrast": "a", "excretory": "b"}


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        ({}, Action.GIVE_PHASES),
        ({"noncontrast": "a"}, Action.GIVE_PHASES),
        ({**PHASES, "dicom": "c"}, Action.GIVE_PHASES),
        ({"nephrographic": "a", "dicom": "c"}, Action.GIVE_PHASES),
        ({**PHASES, "noncontrast_series": "2"}, Action.GIVE_DICOM_PHASES),
    ],
)
def test_phases_come_from_files_or_from_one_exam(arguments: dict[str, Any], action: Action) -> None:
    with pytest.raises(UsageError) as refused:
        parse(RunRequest, {"out": "out", **arguments})
    assert refused.value.action is action


def test_two_phases_or_an_exam_are_enough() -> None:
    assert parse(RunRequest, {"out": "out", **PHASES}).noncontrast == Path("a")
    assert parse(RunRequest, {"out": "out", "dicom": "c", "excretory_series": "4"}).dicom == Path("c")


def test_a_label_is_one_line_of_at_most_64_characters() -> None:
    assert parse(RunRequest, {"out": "out", **PHASES, "label": " Study 12,\n exam 3 "}).label == "Study 12, exam 3"
    with pytest.raises(UsageError, match="label must have at most 64 characters"):
        parse(RunRequest, {"out": "out", **PHASES, "label": "x" * 65})


def test_folders_for_the_result_and_its_dicom_lie_apart(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    arguments = {**PHASES, "out": tmp_path / "out", "dicom_out": tmp_path / "out" / "dicom"}
    with pytest.raises(UsageError) as refused:
        execute("run", arguments, Progress())
    assert refused.value.action is Action.SEPARATE_FOLDERS


def test_a_demo_runs_on_the_cpu() -> None:
    assert DemoRequest().settings.device == "cpu"
    assert DemoRequest().out == Path("demo")
