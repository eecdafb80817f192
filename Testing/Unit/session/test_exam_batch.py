"""Many exams, one after the other: what fails, what is cancelled, and what the table shows meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import Cancelled, UsageError, WorkerError
from NephroSynthLib.session.exam_batch import BatchListener, ExamBatch, ExamState

DONE, FAILED, WAITING, RUNNING = ExamState.DONE, ExamState.FAILED, ExamState.WAITING, ExamState.RUNNING


def outcome(name: str, status: str = "", **more: Any) -> dict[str, Any]:
    known = {"passed": None, "reason": "", "unclear": "", "folder": f"/results/{name}"}
    return {"name": name, "status": status, **known, **more}


class Story:
    """A batch, whose worker the test plays."""

    def __init__(self, loop: Any, temporary: Path) -> None:
        self.loop = loop
        self.ends: list[Exception | None] = []
        self.progress: list[float] = []
        listener = BatchListener(
            on_end=self.ends.append, on_progress=lambda message, fraction: self.progress.append(fraction)
        )
        self.batch = ExamBatch(loop, temporary, listener)

    @property
    def job(self) -> dict[str, Any]:
        """The job of the latest worker."""
        job: dict[str, Any] = self.loop.processes[-1].received[0]
        return job

    def answer(self, **result: Any) -> None:
        self.loop.processes[-1].say("result", result=result)
        self.loop.processes[-1].end()
        self.loop.run()

    def read(self, *outcomes: dict[str, Any]) -> None:
        self.batch.read(Path("exams.csv"), Path("out"), {"seed": 1})
        self.loop.run()
        assert self.job["command"] == "list-exams"
        self.answer(exams=outcomes)
        self.ends.clear()
        self.progress.clear()

    def run(self) -> None:
        self.batch.run({"seed": 2})
        self.loop.run()

    @property
    def states(self) -> list[ExamState]:
        return [row.state for row in self.batch.rows]


@pytest.fixture
def story(loop: Any, tmp_path: Path) -> Story:
    return Story(loop, tmp_path / "temporary")


def test_a_manifest_is_listed_with_what_earlier_runs_told(story: Story) -> None:
    story.read(outcome("a", "done", passed=True), outcome("b", "failed", reason="No kidney."), outcome("c"))
    assert story.states == [DONE, FAILED, WAITING]
    assert [row.passed for row in story.batch.rows] == [True, None, None]
    assert story.batch.rows[1].reason == "No kidney."


def test_exams_run_one_after_the_other_and_a_failed_one_stops_nothing(story: Story) -> None:
    story.read(outcome("a", "done", passed=True), outcome("b"), outcome("c"))
    story.run()
    assert story.states == [DONE, RUNNING, WAITING]
    assert story.job["command"] == "run-listed"
    assert (story.job["arguments"]["exam"], story.job["arguments"]["settings"]) == ("b", {"seed": 2})
    story.answer(**outcome("b", "failed", reason="The file is damaged."))
    assert story.states == [DONE, FAILED, RUNNING]
    assert story.job["arguments"]["exam"] == "c"
    story.answer(**outcome("c", "done", passed=False))
    assert story.states == [DONE, FAILED, DONE]
    assert [row.passed for row in story.batch.rows] == [True, None, False]
    assert story.ends == [None]
    assert not story.batch.busy


def test_the_progress_of_an_exam_is_a_share_of_that_of_all(story: Story) -> None:
    story.read(outcome("a", "done", passed=True), outcome("b"))
    story.run()
    for fraction in (0.5, 1.0):
        story.loop.processes[-1].say("progress", stage="synthesize", fraction=fraction, message="Synthesizing")
    assert 0.5 < story.progress[0] < story.progress[1] < 1.0


def test_a_process_that_crashes_takes_only_its_own_exam_with_it(story: Story) -> None:
    story.read(outcome("a"), outcome("b"))
    story.run()
    story.loop.processes[-1].end(11, crashed=True)
    story.loop.run()
    assert story.states == [FAILED, RUNNING]
    assert "gave no result" in story.batch.rows[0].reason
    story.answer(**outcome("b", "done", passed=True))
    assert story.ends == [None]


def test_an_error_of_all_exams_ends_the_batch(story: Story) -> None:
    story.read(outcome("a"), outcome("b"))
    story.run()
    what = "Another run works in the output folder."
    story.loop.processes[-1].say(
        "error", **{"class": "UsageError", "what": what, "action": None, "exit_code": 2, "traceback": ""}
    )
    story.loop.processes[-1].end(2)
    story.loop.run()
    assert story.states == [WAITING, WAITING]
    [error] = story.ends
    assert isinstance(error, UsageError)
    assert not isinstance(error, WorkerError)


def test_a_cancelled_batch_keeps_what_is_done_and_goes_on_later(story: Story) -> None:
    story.read(outcome("a"), outcome("b"), outcome("c"))
    story.run()
    story.answer(**outcome("a", "done", passed=True))
    story.batch.cancel()
    story.loop.processes[-1].end(130)
    story.loop.run()
    assert story.states == [DONE, WAITING, WAITING]
    assert isinstance(story.ends.pop(), Cancelled)
    started = len(story.loop.processes)
    story.run()
    assert len(story.loop.processes) == started + 1
    assert story.job["arguments"]["exam"] == "b"


def test_exams_are_found_and_then_listed(story: Story) -> None:
    story.batch.find([Path("dicom")], Path("out/exams.csv"), Path("out"), {})
    story.loop.run()
    assert story.job["command"] == "find-exams"
    story.answer(manifest="out/exams.csv")
    assert story.job == {
        "command": "list-exams",
        "arguments": {"manifest": "out/exams.csv", "out": "out", "settings": {}},
    }
    story.answer(exams=[outcome("a", unclear="2 series are of the excretory phase")])
    assert story.batch.rows[0].reason == "2 series are of the excretory phase"


def test_a_batch_that_must_end_at_once_is_over_when_the_call_returns(story: Story) -> None:
    story.read(outcome("a"), outcome("b"))
    story.run()
    story.batch.end_now()
    assert not story.batch.busy
    assert story.states == [WAITING, WAITING]
