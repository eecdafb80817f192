"""One exam as a task: it is carried out once for the same inputs, settings and models, and a failure is an outcome."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.cohort import exam_task
from NephroSynthLib.cohort.exam_record import read_record
from NephroSynthLib.cohort.exam_task import Carried, ExamTask, carry_out
from NephroSynthLib.errors import GeometryError
from NephroSynthLib.files.outputs import SUMMARY


@pytest.fixture
def task(tmp_path: Path) -> ExamTask:
    (tmp_path / "input").write_bytes(b"pixels")
    return ExamTask(
        name="a",
        arguments={"out": str(tmp_path / "out/a"), "settings": {"seed": 1, "device": "cpu"}},
        inputs={"noncontrast": tmp_path / "input"},
        models={"synthesis": "123"},
        folder=tmp_path / "out/a",
        record=tmp_path / "records/a.json",
    )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, task: ExamTask) -> list[Any]:
    """Counts the runs. Their job writes a result, or raises what `runs` holds first."""
    seen: list[Any] = []

    def execute(command: str, arguments: Any, progress: Any) -> dict[str, Any]:
        error = seen[0] if seen and isinstance(seen[0], Exception) else None
        seen.append(command)
        if error is not None:
            raise error
        task.folder.mkdir(parents=True, exist_ok=True)
        (task.folder / SUMMARY).write_text("{}")
        return {"figure": 1.0}

    monkeypatch.setattr(exam_task, "execute", execute)
    return seen


def test_an_exam_is_computed_once(task: ExamTask, runs: list[Any]) -> None:
    first, second = carry_out(task), carry_out(task)
    assert (first.computed, second.computed, runs) == (True, False, ["run"])
    assert first.record == second.record == read_record(task.record)
    assert first.record.summary == {"figure": 1.0}


def _other_input(task: ExamTask) -> ExamTask:
    task.inputs["noncontrast"].write_bytes(b"other pixels")
    return task


def _other_seed(task: ExamTask) -> ExamTask:
    return dataclasses.replace(task, arguments={**task.arguments, "settings": {"seed": 2, "device": "cpu"}})


def _other_model(task: ExamTask) -> ExamTask:
    return dataclasses.replace(task, models={"synthesis": "456"})


def _no_result(task: ExamTask) -> ExamTask:
    (task.folder / SUMMARY).unlink()
    return task


@pytest.mark.parametrize("change", [_other_input, _other_seed, _other_model, _no_result])
def test_an_exam_that_changed_is_computed_again(task: ExamTask, runs: list[Any], change: Any) -> None:
    carry_out(task)
    assert carry_out(change(task)).computed
    assert len(runs) == 2


def test_another_device_or_place_changes_nothing(task: ExamTask, runs: list[Any]) -> None:
    carry_out(task)
    moved = task.inputs["noncontrast"].rename(task.record.parent / "moved")
    elsewhere = {"out": "elsewhere", "settings": {"seed": 1, "device": "cuda"}}
    assert not carry_out(dataclasses.replace(task, arguments=elsewhere, inputs={"noncontrast": moved})).computed


def test_a_failed_exam_is_tried_again_on_demand_only(task: ExamTask, runs: list[Any]) -> None:
    runs.append(GeometryError("The slices are irregular."))
    failed = carry_out(task)
    assert (failed.record.status, failed.record.error) == ("failed", "GeometryError")
    assert failed.record.reason == "The slices are irregular."
    assert carry_out(task) == Carried(failed.record, computed=False)
    del runs[0]
    assert carry_out(dataclasses.replace(task, retry_failed=True)).record.status == "done"


def test_a_failure_leaves_no_result_of_other_inputs(task: ExamTask, runs: list[Any]) -> None:
    carry_out(task)
    runs.insert(0, ValueError("a defect"))
    failed = carry_out(_other_input(task)).record
    assert failed.reason.startswith("NephroSynth failed unexpectedly (ValueError).")
    assert not task.folder.exists()


def test_an_unclear_exam_is_not_run(task: ExamTask, runs: list[Any]) -> None:
    record = carry_out(dataclasses.replace(task, unclear="2 series are of the excretory phase")).record
    assert record.error == "AmbiguousPhasesError"
    assert "2 series are of the excretory phase. Name its series in the manifest" in record.reason
    assert runs == []


def test_a_missing_input_is_a_failure_with_its_reason(task: ExamTask) -> None:
    arguments = {
        "noncontrast": "/none/a.nii.gz",
        "excretory": "/none/b.nii.gz",
        "out": str(task.folder),
        "settings": {},
    }
    record = carry_out(dataclasses.replace(task, arguments=arguments, inputs={"noncontrast": Path("/none")})).record
    assert record.error == "UnreadableInputError"
