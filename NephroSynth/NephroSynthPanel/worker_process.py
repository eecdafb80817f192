"""A worker of the library as a child process of Slicer, heard and ended without ever blocking the event loop."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, Cancelled, NephroSynthError, WorkerError
from NephroSynthLib.jobs.conversation import Conversation, Message, as_line, worker_environment

CANCEL_WITHIN_MS = 700
LAUNCHER_SAYS = "exit abnormally"
"""What Slicer's launcher, which PythonSlicer is, writes when the Python that it started ended by a signal.

It then exits with status 1 itself (ctkAppLauncher.cpp, applicationFinished)."""
PYTHON_SAYS = ("Fatal Python error", "Windows fatal exception")
"""What Python's faulthandler writes in a crash of its own, but not when the system kills it."""
WORKER_ARGUMENTS = ("-m", "NephroSynthLib.jobs.worker")

OnEnd = Callable[["dict[str, Any] | None", "NephroSynthError | None"], None]


def worker_command() -> tuple[str, ...]:
    """The worker's command line: Slicer's Python without its window.

    Raises:
        WorkerError: If Slicer's Python is not found.
    """
    python = shutil.which("PythonSlicer")
    if python is None:
        raise WorkerError(_("Slicer's Python (PythonSlicer) was not found."), Action.INSTALL_SLICER)
    return (python, *WORKER_ARGUMENTS)


class WorkerProcess:
    """Runs one job; ends in exactly one call of `on_end`, with the result or the error.

    Args:
        on_message: Called with each progress and warning message.
        on_log: Called with each line that the worker or its libraries write to standard error.
        on_end: Called when the process has ended and left nothing.
    """

    def __init__(self, on_message: Callable[[Message], None], on_log: Callable[[str], None], on_end: OnEnd) -> None:
        self._on_message, self._on_log, self._on_end = on_message, on_log, on_end
        self._conversation = Conversation()
        self._output, self._errors = b"", b""
        self._signs: set[str] = set()
        self._result: dict[str, Any] | None = None
        self._error: NephroSynthError | None = None
        self._ended = False
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(_environment())
        self._process.connect("readyReadStandardOutput()", self._read_output)
        self._process.connect("readyReadStandardError()", self._read_errors)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._failed)
        self._killer = qt.QTimer()
        self._killer.singleShot = True
        self._killer.interval = CANCEL_WITHIN_MS
        self._killer.connect("timeout()", self._kill)

    def start(self, command: str, arguments: dict[str, Any], program: Sequence[str] | None = None) -> None:
        """Starts the job; `program` is the worker's command line."""
        executable, *options = program or worker_command()
        self._process.start(executable, options)
        self._process.write(as_line({"command": command, "arguments": arguments}))

    @property
    def running(self) -> bool:
        """Whether the job has not ended yet."""
        return not self._ended

    def cancel(self) -> None:
        """Ends the job within a second; `on_end` then gets `Cancelled`."""
        if self.running and self._error is None:
            self._error = Cancelled()
            self._process.write(as_line({"type": "cancel"}))
            self._stop()

    def end_now(self) -> None:
        """Ends the job before it returns, for when Slicer itself ends; `on_end` is not called any more."""
        if not self.running:
            return
        self._let_go()
        self._kill()
        self._process.waitForFinished(2000)
        self._read_output()  # it may have announced temporary data
        self._conversation.clean_up()

    def _stop(self) -> None:
        self._process.closeWriteChannel()  # the worker takes this as its parent's death
        self._killer.start()

    def _read_output(self) -> None:
        self._output += self._process.readAllStandardOutput().data()
        *lines, self._output = self._output.split(b"\n")
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        settled = self._error is not None or self._result is not None
        try:
            message = self._conversation.hear(
                line
            )  # which process it is and what it leaves is told after a cancel, too
        except NephroSynthError as error:
            if not settled:
                self._error = error
                self._stop()
            return
        if settled or message is None:
            return
        if message["type"] == "result":
            self._result = dict(message["result"])
            self._stop()
        else:
            self._on_message(message)

    def _read_errors(self) -> None:
        self._errors += self._process.readAllStandardError().data()
        *lines, self._errors = self._errors.split(b"\n")
        for line in lines:
            text = self._conversation.log(line)
            self._signs |= {sign for sign in (LAUNCHER_SAYS, *PYTHON_SAYS) if sign in text}
            self._on_log(text)

    def _failed(self, problem: Any) -> None:
        if problem == qt.QProcess.FailedToStart:
            self._error = WorkerError(_("The job's process could not be started."), Action.INSTALL_SLICER)
            self._end()

    def _finished(self, code: int, status: Any) -> None:
        self._killer.stop()
        self._read_output()
        self._read_errors()
        if self._result is None and self._error is None:
            self._error = self._why_it_died(code, status == qt.QProcess.CrashExit)
        self._end()

    def _why_it_died(self, code: int, crashed: bool) -> NephroSynthError:
        said = self._conversation
        if not crashed and LAUNCHER_SAYS in self._signs:
            return said.why_it_died("by a signal", killed=self._signs.isdisjoint(PYTHON_SAYS))
        if crashed:
            return said.why_it_died(f"by signal {code}", killed=code == int(getattr(signal, "SIGKILL", signal.SIGTERM)))
        return said.why_it_died(f"with status {code}", killed=False)

    def _end(self) -> None:
        if self._ended:
            return
        on_end = self._let_go()
        self._conversation.clean_up()
        if self._error is not None:
            on_end(None, self._error)
        else:
            on_end(self._result, None)

    def _let_go(self) -> OnEnd:
        """Forgets who listens: PythonQt keeps for ever what a signal is connected to."""
        self._ended, on_end = True, self._on_end
        self._on_message = self._on_log = self._on_end = _ignore
        return on_end

    def _kill(self) -> None:
        """Kills the worker, and the launcher that started it where there is one."""
        pid = self._conversation.worker_pid
        if pid is not None and self._process.state() != qt.QProcess.NotRunning:
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.kill()


def _ignore(*said: Any) -> None:
    """Nobody listens any more."""


def _environment() -> Any:
    environment = qt.QProcessEnvironment.systemEnvironment()
    for name, value in worker_environment().items():
        environment.insert(name, value)
    return environment
