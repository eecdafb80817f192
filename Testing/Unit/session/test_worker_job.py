"""A worker's messages, its end and its kill, with a fake process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import Cancelled, NephroSynthError, ResourceError, WorkerError
from NephroSynthLib.session.worker_job import CANCEL_WITHIN_MS, WorkerJob


class Heard:
    """The callbacks of a job."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.ends: list[tuple[Any, Any]] = []

    def on_end(self, result: Any, error: Exception | None) -> None:
        self.ends.append((result, error))

    @property
    def error(self) -> NephroSynthError:
        [(result, error)] = self.ends
        assert result is None
        return error


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def job(loop: Any, heard: Heard) -> WorkerJob:
    """A job that has started."""
    job = WorkerJob(loop, heard.messages.append, heard.lines.append, heard.on_end)
    job.start("run", {"out": "there"})
    return job


def test_a_job_ends_with_its_result(loop: Any, job: WorkerJob, heard: Heard) -> None:
    assert loop.process.received == [{"command": "run", "arguments": {"out": "there"}}]
    loop.process.say("progress", stage="read", fraction=0.5, message="Reading")
    loop.process.say("warning", message="Look closely.")
    loop.process.say("result", result={"files": 3})
    assert heard.ends == []
    assert loop.process.input_closed
    loop.process.end()
    assert [message["type"] for message in heard.messages] == ["progress", "warning"]
    assert heard.ends == [({"files": 3}, None)]


def test_messages_may_come_in_pieces(loop: Any, job: WorkerJob, heard: Heard) -> None:
    message = b'{"type": "warning", "message": "in two pieces"}\n'
    job.receive_output(message[:9])
    job.receive_output(message[9:] + message[:5])
    job.receive_log(b"first\nsec")
    job.receive_log(b"ond\n")
    assert [one["message"] for one in heard.messages] == ["in two pieces"]
    assert heard.lines == ["first", "second"]


def test_a_job_that_hangs_after_its_result_is_killed(loop: Any, job: WorkerJob, heard: Heard) -> None:
    loop.process.say("result", result={})
    loop.wait(CANCEL_WITHIN_MS)
    assert loop.process.killed
    loop.process.end(9, crashed=True)
    assert heard.ends == [({}, None)]


def test_the_error_of_the_job_keeps_its_class(loop: Any, job: WorkerJob, heard: Heard) -> None:
    fields = {"class": "ResourceError", "what": "The disk is full.", "traceback": "", "exit_code": 5}
    loop.process.say("error", **fields)
    loop.process.end(5)
    assert isinstance(heard.error, ResourceError)
    assert heard.error.what == "The disk is full."


@pytest.mark.parametrize("said", [b"garbage\n", b"\xff\xfe\n", b"[]\n"])
def test_a_job_that_speaks_no_protocol_is_ended(loop: Any, job: WorkerJob, heard: Heard, said: bytes) -> None:
    loop.process.listener.receive_output(said)
    assert loop.process.input_closed
    loop.wait(CANCEL_WITHIN_MS)
    assert loop.process.killed
    loop.process.end(9, crashed=True)
    assert isinstance(heard.error, WorkerError)
    assert "no message" in heard.error.what


LAUNCHER = b"error: [python] exit abnormally\n"


@pytest.mark.parametrize(
    ("log", "status", "crashed", "words"),
    [
        (b"", 3, False, "with status 3"),
        (b"", 11, True, "by signal 11"),
        (b"", int(signal.SIGKILL), True, "memory ran out"),
        (LAUNCHER, 1, False, "memory ran out"),
        (b"Fatal Python error: Aborted\n" + 300 * b"more\n" + LAUNCHER, 1, False, "by a signal"),
        (b"Fatal Python error: Aborted\n", 6, True, "by signal 6"),
    ],
)
def test_a_death_is_explained(
    loop: Any, job: WorkerJob, heard: Heard, log: bytes, status: int, crashed: bool, words: str
) -> None:
    loop.process.listener.receive_log(log)
    loop.process.end(status, crashed)
    assert words in heard.error.what


def test_a_cancelled_job_is_asked_to_end_and_killed_if_it_does_not(loop: Any, job: WorkerJob, heard: Heard) -> None:
    job.cancel()
    job.cancel()
    assert loop.process.received[1:] == [{"type": "cancel"}]
    assert loop.process.input_closed
    assert not loop.process.killed
    loop.wait(CANCEL_WITHIN_MS)
    assert loop.process.killed
    loop.process.end(9, crashed=True)
    assert isinstance(heard.error, Cancelled)


def test_a_result_after_cancel_does_not_count(loop: Any, job: WorkerJob, heard: Heard) -> None:
    job.cancel()
    loop.process.say("progress", stage="save", fraction=1.0, message="late")
    loop.process.say("result", result={})
    loop.process.end()
    assert heard.messages == []
    assert isinstance(heard.error, Cancelled)


@pytest.mark.parametrize("announced", ["before", "after"])
def test_temporary_files_that_a_killed_worker_left_are_removed(
    loop: Any, job: WorkerJob, heard: Heard, tmp_path: Path, announced: str
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    if announced == "after":
        job.cancel()
    loop.process.say("temporary", path=str(left))
    if announced == "before":
        job.cancel()
    loop.process.end(9, crashed=True)
    assert not left.exists()


def test_end_now_kills_and_hears_the_last_words(loop: Any, job: WorkerJob, heard: Heard, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    loop.process.last_words = f'{{"type": "temporary", "path": "{left}"}}\n'.encode()
    job.end_now()
    assert loop.process.killed
    assert isinstance(heard.error, Cancelled)
    assert not left.exists()
    loop.process.end(9, crashed=True)
    job.end_now()
    loop.wait(CANCEL_WITHIN_MS)
    assert len(heard.ends) == 1


@pytest.mark.skipif(os.name == "nt", reason="waits for a child process in the way of POSIX")
def test_the_process_behind_a_launcher_is_killed_too(loop: Any, job: WorkerJob) -> None:
    from NephroSynthLib.jobs.worker import PROTOCOL

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
        loop.process.say("hello", protocol=PROTOCOL, version="0", pid=worker.pid)
        job.end_now()
        assert worker.wait(10.0) == -int(signal.SIGKILL)


def test_a_program_that_is_missing_is_an_error_at_once(loop: Any, heard: Heard) -> None:
    loop.refusal = WorkerError("Not found.")
    job = WorkerJob(loop, heard.messages.append, heard.lines.append, heard.on_end)
    with pytest.raises(WorkerError, match="Not found"):
        job.start("run", {})
    job.cancel()
    job.end_now()
    assert heard.ends == []


def test_a_process_that_does_not_start_ends_the_job(loop: Any, job: WorkerJob, heard: Heard) -> None:
    problem = WorkerError("Not started.")
    job.process_not_started(problem)
    job.process_ended(1, False)
    assert heard.error is problem
