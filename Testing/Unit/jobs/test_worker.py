"""The worker speaks its protocol whatever its job does, and ends when it is told to or when its parent is gone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib import __version__
from NephroSynthLib.errors import UsageError
from NephroSynthLib.files.staging import temporary_folder
from NephroSynthLib.jobs import worker
from NephroSynthLib.jobs.conversation import worker_environment

WORKER = (sys.executable, "-m", "NephroSynthLib.jobs.worker")
Message = dict[str, Any]


def worker_with_job(body: str) -> tuple[str, ...]:
    """A worker whose only job is `job`, with this body."""
    lines = "\n    ".join(body.strip().splitlines())
    program = f"""
import ctypes, os, sys, time
from pathlib import Path
from NephroSynthLib.files import staging as files
from NephroSynthLib.jobs import catalogue, request
from NephroSynthLib.jobs import worker

class AnyRequest(request.Request, extra="allow"):
    pass

def job(request, progress):
    arguments = request.model_extra
    {lines}
    return {{"warnings": ["one"], "done": True}}

catalogue.JOBS = {{"job": catalogue.Job(AnyRequest, job)}}
sys.exit(worker.main())
"""
    return (sys.executable, "-c", program)


@contextlib.contextmanager
def started(
    program: Sequence[str], temporary: Path, command: str = "job", **arguments: object
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
        try:
            say(process, {"command": command, "arguments": arguments})
            yield process
        finally:
            process.kill()


def say(process: subprocess.Popen[bytes], message: Message) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def messages(process: subprocess.Popen[bytes]) -> Iterator[Message]:
    assert process.stdout is not None
    return (json.loads(line) for line in process.stdout)


def wait_for_progress(process: subprocess.Popen[bytes]) -> None:
    assert any(message["type"] == "progress" for message in messages(process))


def test_a_job_reports_hello_progress_warnings_and_its_result(tmp_path: Path) -> None:
    with started(worker_with_job("progress.stage('read').update(0.5, 'half')"), tmp_path) as process:
        heard = [message for message in messages(process) if message["type"] != "temporary"]
        assert process.wait() == 0
    assert heard == [
        {"type": "hello", "protocol": worker.PROTOCOL, "version": __version__, "pid": process.pid},
        {"type": "progress", "stage": "read", "fraction": 0.5, "message": "half"},
        {"type": "warning", "message": "one"},
        {"type": "result", "result": {"warnings": ["one"], "done": True}},
    ]
    assert list(tmp_path.iterdir()) == []


def test_what_native_code_prints_goes_to_standard_error(tmp_path: Path) -> None:
    with started(worker_with_job("print('from python'); os.write(1, b'from native code\\n')"), tmp_path) as process:
        assert [message["type"] for message in messages(process)][-1] == "result"
        assert process.stderr is not None
        log = process.stderr.read()
    assert b"from python" in log
    assert b"from native code" in log


@pytest.mark.parametrize(
    "line", [b"", b"garbage\n", b"[]\n", b'"run"\n', b'{"command": 1, "arguments": {}}\n', b'{"command": "run"}\n']
)
def test_an_input_that_is_no_job_is_refused(line: bytes) -> None:
    done = subprocess.run(WORKER, input=line, capture_output=True, check=False)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == last["exit_code"] == UsageError.exit_code
    assert "not a job" in last["what"]


def test_a_worker_writes_no_file_to_find_its_folder_for_temporary_files_and_removes_those_of_killed_ones(
    tmp_path: Path,
) -> None:
    """Such a file would stay where the worker is killed meanwhile; its parent names the folder instead."""
    program = (
        "import sys, tempfile; tempfile._get_default_tempdir = lambda: sys.exit('it looks for a folder')\n"
        "from NephroSynthLib.jobs import worker; sys.exit(worker.main())"
    )
    environment = {**os.environ, **worker_environment(), worker.TEMPORARY: str(tmp_path)}
    with temporary_folder(tmp_path) as own:
        left = Path(str(own).replace(f"-{os.getpid()}-", "-1-"))  # as of another process, which has ended
        left.mkdir()
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, env=environment, check=False)
    assert done.returncode == UsageError.exit_code
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(message["path"]).parent for message in said if message["type"] == "temporary"] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "arguments", "text"),
    [
        ("dance", {}, "no job 'dance'"),
        ("evaluate", {"synthetic": "a"}, "acquired"),
        ("evaluate", {"synthetic": "a", "acquired": "b", "colour": "c"}, "colour"),
        ("segment", {"image": "a", "out": "b", "settings": {"segmentation": {"steps": 0}}}, "segmentation.steps"),
        ("segment", {"image": "a", "out": "b", "settings": {"device": "abacus"}}, "device"),
    ],
)
def test_a_job_that_does_not_fit_is_refused(
    tmp_path: Path, command: str, arguments: dict[str, object], text: str
) -> None:
    with started(WORKER, tmp_path, command, **arguments) as process:
        last = list(messages(process))[-1]
    assert (last["class"], last["exit_code"]) == ("UsageError", 2)
    assert text in last["what"]


def test_an_unexpected_error_is_reported_with_its_traceback(tmp_path: Path) -> None:
    with started(worker_with_job("1 / 0"), tmp_path) as process:
        last = list(messages(process))[-1]
        assert process.wait() == 1
    assert "ZeroDivisionError" in last["what"]
    assert "in job" in last["traceback"]


# A job's ways to pass its time: asking the progress, in Python, and in native code that releases Python's lock.
BUSY = {
    "cooperative": "while True: time.sleep(0.02); progress.update(0.5)",
    "deaf": "progress.update(0.5)\nwhile True: time.sleep(0.02)",
    "native": "progress.update(0.5)\nwhile True: ctypes.CDLL(None).sleep(60)",
}
STAGED = "with files.staged_folder(Path(arguments['out'])) as folder:\n    (folder / 'part').write_text('part')\n    "


@pytest.mark.parametrize("busy", BUSY)
@pytest.mark.parametrize("end", ["cancel", "parent dies", "SIGTERM"])
def test_a_job_that_is_ended_leaves_nothing(tmp_path: Path, busy: str, end: str) -> None:
    body = STAGED + "\n    ".join(BUSY[busy].splitlines())
    temporary, output = tmp_path / "temporary", tmp_path / "output"
    temporary.mkdir()
    output.mkdir()
    with started(worker_with_job(body), temporary, out=str(output / "result")) as process:
        wait_for_progress(process)
        assert list(output.iterdir()), "the job has a temporary folder beside its result"
        if end == "cancel":
            say(process, {"type": "cancel"})
        elif end == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            assert process.stdin is not None
            process.stdin.close()
        assert process.wait(timeout=20) == 130
        last = [message for message in messages(process) if message["type"] == "error"]
    assert [message["class"] for message in last] == ["Cancelled"]
    assert list(temporary.iterdir()) == []
    assert list(output.iterdir()) == []


def test_other_lines_of_the_parent_do_not_end_a_job(tmp_path: Path) -> None:
    with started(worker_with_job("progress.update(0.5)\ntime.sleep(1)"), tmp_path) as process:
        for line in ("garbage", [], {"type": "chat"}):
            say(process, line)  # type: ignore[arg-type]
        assert list(messages(process))[-1]["type"] == "result"
