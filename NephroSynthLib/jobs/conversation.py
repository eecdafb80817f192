"""Interprets the output of a worker process: one message a line, its errors, and the reason for its end.

The runner of a worker (`JobProcess` in a terminal, a QProcess in Slicer) passes its lines to a `Conversation`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from NephroSynthLib import errors
from NephroSynthLib.errors import Action, Cancelled, NephroSynthError, ResourceError, WorkerError
from NephroSynthLib.files import scratch
from NephroSynthLib.jobs.worker import PROTOCOL, TEMPORARY

LOG_LINES = 200

Message = dict[str, Any]


class WorkerTrace(Exception):
    """The traceback or the last log lines of a worker, as the cause of its error in this process."""


class Conversation:
    """The messages, the log and the announced temporary data of one worker.

    Attributes:
        worker_pid: The worker's process, which may be a child of the one that was started; None until it says hello.
    """

    def __init__(self) -> None:
        self._temporary: list[Path] = []
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self.worker_pid: int | None = None

    def hear(self, line: bytes) -> Message | None:
        """Returns the message of a line if it concerns the job: progress, a warning or the result.

        Raises:
            NephroSynthError: The job's error, of its own class.
            WorkerError: If the line is not a message, or has another protocol.
        """
        message = _parse(line)
        kind = message["type"]
        if kind == "error":
            raise _rebuild(message)
        if kind == "temporary":
            self._temporary.append(Path(message["path"]))
        elif kind == "hello":
            if message.get("protocol") != PROTOCOL:
                raise WorkerError(f"The worker speaks protocol {message.get('protocol')}, not {PROTOCOL}.")
            self.worker_pid = message.get("pid")
        else:
            return message
        return None

    def log(self, raw: bytes) -> str:
        """Decodes a line of standard error and keeps it among the last lines."""
        line = raw.decode(errors="replace").rstrip()
        self._log.append(line)
        return line

    def why_it_died(self, how: str, killed: bool) -> NephroSynthError:
        """Returns the error of a worker that ended without a result.

        Args:
            how: 'with status 1' or 'by signal 11'.
            killed: Whether the system killed it.
        """
        if killed:
            return ResourceError(
                "The system ended the job, most likely because memory ran out.",
                Action.FREE_MEMORY,
            )
        error = WorkerError(f"The job's process ended {how} and gave no result.")
        error.__cause__ = WorkerTrace("\n".join(self._log))
        return error

    def clean_up(self) -> None:
        """Removes the temporary data of a killed worker; the worker must have ended."""
        for path in self._temporary:
            scratch.remove(path)


def as_line(message: Message) -> bytes:
    """Returns a message as a line for the input of the worker."""
    return (json.dumps(message) + "\n").encode()


def worker_environment() -> dict[str, str]:
    """Returns the variables to add to the environment of a worker.

    This package's folder is on the path and the current one is not, so that no file there can shadow a module. The
    folder for temporary files is named, because Python would write a file into each candidate to find it, which stays
    if the worker is killed meanwhile.
    """
    package = str(Path(__file__).resolve().parents[1])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        TEMPORARY: tempfile.gettempdir(),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",  # a crash then says so in the log, and one who was killed says nothing
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait bring a busy computer to a standstill
    }


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
        if isinstance(message["type"], str):
            return dict(message)
    except (ValueError, KeyError, TypeError):
        pass
    raise WorkerError(f"The job's process said something that is no message: {line[:80].decode(errors='replace')!r}.")


def _rebuild(message: Message) -> NephroSynthError:
    kind = getattr(errors, str(message.get("class")), NephroSynthError)
    if kind is Cancelled:
        return Cancelled(str(message.get("what")).removeprefix("Cancelled. "))
    code = message.get("action")
    error: NephroSynthError = kind(str(message.get("what")), Action.of(code) if code else None)
    error.__cause__ = WorkerTrace(str(message.get("traceback", "")))
    return error
