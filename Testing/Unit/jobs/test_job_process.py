"""A parent hears its worker, and is told clearly when the worker dies, babbles or will not end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from NephroSynthLib import errors
from NephroSynthLib.errors import Cancelled, NephroSynthError, ResourceError, WorkerError
from NephroSynthLib.jobs.job_process import JobProcess
from NephroSynthLib.jobs.worker import PROTOCOL
from NephroSynthLib.progress import Ending

HELLO = f'{{"type": "hello", "protocol": {PROTOCOL}, "version": "0"}}'
RESULT = '{"type": "result", "result": {"figure": 1}}'


def program(body: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", f"import ctypes, os, sys, time\nprint('{HELLO}')\n{body}")


def heard(body: str) -> list[str]:
    with JobProcess("job", {}, program=program(body)) as process:
        return [message["type"] for message in process.messages()]


def test_messages_end_with_the_result() -> None:
    assert heard(f"""print('{{"type": "warning", "message": "m"}}'); print('{RESULT}'); time.sleep(60)""") == [
        "warning",
        "result",
    ]


@pytest.mark.parametrize(
    "line", ["garbage", "[]", "null", "{}", '{"type": 3}', '{"kind": "result"}', "\\xff\\xfe", '{"type": "resu']
)
def test_garbage_is_a_clear_error(line: str) -> None:
    with pytest.raises(WorkerError, match="no message"):
        heard(f"sys.stdout.buffer.write(b'{line}\\n'); time.sleep(60)")


def test_a_worker_of_another_protocol_is_refused() -> None:
    with pytest.raises(WorkerError, match="protocol 99"):
        heard("""print('{"type": "hello", "protocol": 99}'); time.sleep(60)""")


@pytest.mark.parametrize(
    ("end", "kind", "text"),
    [
        ("sys.exit(0)", WorkerError, "status 0"),
        ("os._exit(3)", WorkerError, "status 3"),
        ("os.kill(os.getpid(), 11)", WorkerError, "signal 11"),
        ("os.kill(os.getpid(), 9)", ResourceError, "memory"),
    ],
)
def test_a_worker_that_dies_without_a_result_is_an_error(end: str, kind: type[NephroSynthError], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        heard(f"sys.stderr.write('last words\\n'); {end}")
    if kind is WorkerError:
        assert "last words" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NephroSynthError)]
)
def test_an_error_of_the_worker_is_raised_again_here(kind: type[NephroSynthError]) -> None:
    fields = f'"class": "{kind.__name__}", "what": "What.", "action": "give-ct", "exit_code": 1, "traceback": "trace"'
    with pytest.raises(kind) as caught:
        heard(f"""print('{{"type": "error", {fields}}}')""")
    assert type(caught.value) is kind
    if kind is not errors.Cancelled:
        assert caught.value.what == "What."
        assert caught.value.action is errors.Action.GIVE_CT
        assert str(caught.value.__cause__) == "trace"


def test_the_log_is_passed_on() -> None:
    lines: list[str] = []
    body = f"sys.stderr.write('one\\n'); sys.stderr.buffer.write(b'\\xff two\\n'); print('{RESULT}')"
    with JobProcess("job", {}, lines.append, program=program(body)) as process:
        list(process.messages())
    assert lines == ["one", "\N{REPLACEMENT CHARACTER} two"]


# A worker that never looks at its input: idle, and in native code that keeps Python's lock.
@pytest.mark.parametrize("busy", ["time.sleep(60)", "ctypes.PyDLL(None).sleep(60)"])
def test_a_worker_that_does_not_listen_is_killed_with_its_children_and_its_temporary_data(
    tmp_path: Path, busy: str
) -> None:
    temporary = tmp_path / "temporary"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
os.mkdir({str(temporary)!r})
print('{{"type": "temporary", "path": "{temporary}"}}')
print('{{"type": "progress", "child": ' + str(child.pid) + '}}')
{busy}
"""
    with JobProcess("job", {}, program=program(body)) as process:
        child = psutil.Process(next(process.messages())["child"])
        with pytest.raises(Cancelled):
            process.cancel()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert not temporary.exists()


def test_a_result_that_comes_before_the_cancellation_counts() -> None:
    with JobProcess(
        "job", {}, program=program(f"sys.stdin.readline(); sys.stdin.readline(); print('{RESULT}')")
    ) as job:
        assert job.cancel() == {"type": "result", "result": {"figure": 1}}


def interrupt_soon() -> None:
    def interrupt() -> None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()


def test_a_second_interrupt_does_not_spoil_the_cleaning_up(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    body = (
        f"""print('{{"type": "temporary", "path": "{temporary}"}}'); print('{{"type": "progress"}}'); time.sleep(60)"""
    )
    with JobProcess("job", {}, program=program(body)) as process:
        next(process.messages())
        interrupt_soon()
        with pytest.raises(Cancelled):
            process.cancel()
    assert not temporary.exists()


def test_a_job_that_saves_its_work_gets_the_time_to_do_so_and_tells_what_it_kept() -> None:
    kept = '{"type": "error", "class": "Cancelled", "what": "Cancelled. Step 7 is kept.", "action": null}'
    body = f"""print('{{"type": "progress"}}'); sys.stdin.readline(); time.sleep(1.5); print('{kept}')"""
    with JobProcess("job", {}, ending=Ending(30.0), program=program(body)) as process:
        next(process.messages())
        with pytest.raises(Cancelled, match=r"^Cancelled\. Step 7 is kept\.$"):
            process.cancel()


def test_a_second_interrupt_ends_a_job_that_still_saves_its_work() -> None:
    body = """print('{"type": "progress"}'); time.sleep(60)"""
    start = time.monotonic()
    with JobProcess("job", {}, ending=Ending(30.0, "Checkpoints are kept."), program=program(body)) as process:
        next(process.messages())
        interrupt_soon()
        with pytest.raises(Cancelled, match="Checkpoints are kept"):
            process.cancel()
    assert time.monotonic() - start < 20


def test_a_file_in_the_current_folder_does_not_shadow_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.UsageError, match="no job 'dance'"), JobProcess("dance", {}) as process:
        list(process.messages())
