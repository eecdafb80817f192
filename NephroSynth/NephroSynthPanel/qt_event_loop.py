"""Qt's event loop and processes, as a session needs them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, WorkerError
from NephroSynthLib.jobs.conversation import worker_environment
from NephroSynthLib.session.event_loop import ProcessListener


def worker_command() -> tuple[str, ...]:
    """The command line of the worker: Slicer's Python without a window.

    Raises:
        WorkerError: If Slicer's Python is not found.
    """
    python = shutil.which("PythonSlicer")
    if python is None:
        raise WorkerError(_("Slicer's Python (PythonSlicer) was not found."), Action.INSTALL_SLICER)
    return (python, "-m", "NephroSynthLib.cohort.batch_worker")


class QtEventLoop:
    """Calls functions later and starts worker processes; an `EventLoop` of the session.

    Attributes:
        worker_command: Gives the command line of the worker.
    """

    def __init__(self) -> None:
        self.worker_command: Callable[[], tuple[str, ...]] = worker_command

    def call_later(self, delay_ms: int, call: Callable[[], None]) -> DelayedCall:
        """Calls a function once, after a delay."""
        delayed = DelayedCall(call)
        qt.QTimer.singleShot(delay_ms, delayed.fire)
        return delayed

    def start_worker(self, listener: ProcessListener) -> QtProcess:
        """Starts a worker process.

        Raises:
            WorkerError: If Slicer's Python is not found.
        """
        return QtProcess(self.worker_command(), listener)


class DelayedCall:
    """A call that happens at most once."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def fire(self) -> None:
        """Makes the call, unless it was cancelled or made before."""
        call, self._call = self._call, None
        if call is not None:
            call()

    def cancel(self) -> None:
        """Prevents the call."""
        self._call = None


class QtProcess:
    """A QProcess that reports to a listener.

    PythonQt keeps the receivers of a signal alive forever, so this object drops its listener when the process ends.

    Args:
        command: The command line.
        listener: The receiver of the output and of the end.
    """

    def __init__(self, command: Sequence[str], listener: ProcessListener) -> None:
        self._listener: ProcessListener | None = listener
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(_environment())
        self._process.connect("readyReadStandardOutput()", self._read_output)
        self._process.connect("readyReadStandardError()", self._read_log)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._failed)
        program, *arguments = command
        self._process.start(program, arguments)

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.state() != qt.QProcess.NotRunning

    def write(self, data: bytes) -> None:
        """Writes to the standard input of the process."""
        self._process.write(data)

    def close_input(self) -> None:
        """Closes the standard input of the process."""
        self._process.closeWriteChannel()

    def kill(self) -> None:
        """Kills the process."""
        self._process.kill()

    def wait(self, timeout_ms: int) -> None:
        """Blocks until the process has ended, and reports the rest of its output."""
        self._process.waitForFinished(timeout_ms)
        self._read_output()

    def _read_output(self) -> None:
        if self._listener is not None:
            self._listener.receive_output(self._process.readAllStandardOutput().data())

    def _read_log(self) -> None:
        if self._listener is not None:
            self._listener.receive_log(self._process.readAllStandardError().data())

    def _finished(self, code: int, status: Any) -> None:
        self._read_output()
        self._read_log()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.process_ended(code, status == qt.QProcess.CrashExit)

    def _failed(self, problem: Any) -> None:
        if problem == qt.QProcess.FailedToStart and self._listener is not None:
            listener, self._listener = self._listener, None
            error = WorkerError(_("The job's process could not be started."), Action.INSTALL_SLICER)
            listener.process_not_started(error)


def _environment() -> Any:
    environment = qt.QProcessEnvironment.systemEnvironment()
    for name, value in worker_environment().items():
        environment.insert(name, value)
    return environment
