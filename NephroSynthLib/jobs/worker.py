"""A job in a process of its own, driven by JSON lines: `python -m NephroSynthLib.jobs.worker`.

Native code (ITK, ANTs, torch) does not answer Ctrl-C, so a terminal or Slicer runs a job in this process and ends it.
The protocol, one JSON object a line:

    in    {"command": "run", "arguments": {...}}              first line: the job
          {"type": "cancel"}                                  later: end the job
    out   {"type": "hello", "protocol": 1, "version": "...", "pid": 123}
          {"type": "temporary", "path": "..."}                remove it if this process is killed
          {"type": "progress", "stage": "...", "fraction": 0.5, "message": "..."}
          {"type": "warning", "message": "..."}
          {"type": "result", "result": {...}}                 last line of a job that ended well
          {"type": "error", "class": "...", "what": "...", "action": "give-ct", "exit_code": 3, "traceback": "..."}

An error's `action` is the code of an `Action`, or null.

The exit status is that of the error, or 0 after a result. The end of the input means that the parent is gone; the job
then ends as if it had been cancelled. The output of libraries goes to standard error.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from NephroSynthLib import __version__
from NephroSynthLib.errors import Cancelled, NephroSynthError, UsageError
from NephroSynthLib.files import scratch
from NephroSynthLib.files.staging import temporary_folder
from NephroSynthLib.jobs.failures import as_our_error, traceback_of
from NephroSynthLib.progress import AT_ONCE, Ending, Progress, ProgressEvent

if TYPE_CHECKING:
    from NephroSynthLib.jobs.catalogue import Job

PROTOCOL = 1
TEMPORARY = "NEPHROSYNTH_TEMPORARY"
"""The variable that names the folder for temporary files, which the parent has found."""


class Channel:
    """The real standard output of the process, for messages only; other output is redirected to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._stream = os.fdopen(os.dup(1), "wb", buffering=0)
        self._lock = threading.Lock()
        os.dup2(2, 1)

    def send(self, kind: str, **fields: Any) -> None:
        """Writes one message; does nothing if the parent has ended."""
        line = json.dumps({"type": kind, **fields}, allow_nan=False) + "\n"
        with self._lock:
            try:
                self._stream.write(line.encode())
            except BrokenPipeError:
                return

    def send_error(self, error: NephroSynthError) -> None:
        """Writes an error message."""
        action = error.action.value if error.action else None
        fields = {"what": error.what, "action": action, "exit_code": error.exit_code, "traceback": traceback_of(error)}
        self.send("error", **{"class": type(error).__name__, **fields})

    def progress(self, event: ProgressEvent) -> None:
        """Sends a progress event; this is a progress sink."""
        self.send("progress", stage=event.stage, fraction=round(event.fraction, 4), message=event.message)


def main(load_jobs: Callable[[], Mapping[str, Job]] | None = None) -> int:
    """Runs one job and returns the exit status.

    Args:
        load_jobs: Gives the jobs by name. Without it, they are those of the catalogue.
    """
    channel = Channel()
    channel.send("hello", protocol=PROTOCOL, version=__version__, pid=os.getpid())
    cancelled = threading.Event()
    ending = [AT_ONCE]  # that of the job, as soon as its catalogue is loaded
    scratch.watch(lambda path: channel.send("temporary", path=str(path)))
    place = Path(os.environ.get(TEMPORARY) or tempfile.gettempdir())
    with temporary_folder(place) as folder:
        _use_for_temporary_files(folder)
        parent = io.FileIO(0, closefd=False)  # a buffered stream would be locked by the thread that waits on it
        try:
            job = _read_job(parent)
            _end_when_told(parent, cancelled, channel, ending)
            from NephroSynthLib.jobs import catalogue  # loads pydantic, so after the watchers are there

            jobs = load_jobs() if load_jobs is not None else catalogue.JOBS
            if job["command"] in jobs:
                ending[0] = jobs[job["command"]].ending
            progress = Progress(channel.progress, cancelled.is_set)
            result = catalogue.execute(job["command"], job["arguments"], progress, jobs=jobs)
        except Exception as error:
            ours = as_our_error(error)
            channel.send_error(ours)
            return ours.exit_code
    for message in result.get("warnings", ()):
        channel.send("warning", message=message)
    channel.send("result", result=result)
    return 0


def _use_for_temporary_files(folder: Path) -> None:
    tempfile.tempdir = str(folder)
    for variable in ("TMPDIR", "TEMP", "TMP"):
        os.environ[variable] = str(folder)


def _read_job(stream: io.FileIO) -> dict[str, Any]:
    try:
        job = json.loads(stream.readline())
        if isinstance(job["command"], str) and isinstance(job["arguments"], dict):
            return dict(job)
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError('The first line of the input is not a job: {"command": "...", "arguments": {...}}.')


def _end_when_told(stream: io.FileIO, cancelled: threading.Event, channel: Channel, ending: Sequence[Ending]) -> None:
    """Ends the job on a cancel line, at the end of the input and on SIGTERM, whatever the main thread is doing.

    The main thread gets the time of the job's ending to end by itself at its next progress update.
    """

    def end() -> NoReturn:
        cancelled.set()
        time.sleep(ending[0].grace_s)
        scratch.abandon()
        channel.send_error(Cancelled(ending[0].kept))
        os._exit(Cancelled.exit_code)

    def watch_input() -> None:
        for line in stream:
            if _is_cancel(line):
                break
        end()

    # A signal's number is written to the socket at once; a Python handler would wait for native code to return.
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)

    def watch_signals() -> None:
        with sender:
            while receiver.recv(1)[0] != signal.SIGTERM:
                continue
            end()

    for watcher in (watch_input, watch_signals):
        threading.Thread(target=watcher, daemon=True).start()


def _is_cancel(line: bytes) -> bool:
    try:
        message = json.loads(line)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") == "cancel"


if __name__ == "__main__":
    sys.exit(main())
