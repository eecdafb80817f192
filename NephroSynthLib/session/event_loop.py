"""The parts of a front end's event loop that a session needs: delayed calls and worker processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from NephroSynthLib.errors import NephroSynthError


class Scheduled(Protocol):
    """A delayed call."""

    def cancel(self) -> None:
        """Prevents the call. Has no effect after the call."""


class ProcessListener(Protocol):
    """The receiver of a process's output and of its end."""

    def receive_output(self, data: bytes) -> None:
        """Takes bytes that the process wrote to standard output."""

    def receive_log(self, data: bytes) -> None:
        """Takes bytes that the process wrote to standard error."""

    def process_ended(self, status: int, crashed: bool) -> None:
        """Takes the exit status, or the number of the signal if the process crashed."""

    def process_not_started(self, error: NephroSynthError) -> None:
        """Takes the reason why the process did not start."""


class Process(Protocol):
    """A child process that reports to a `ProcessListener`."""

    @property
    def running(self) -> bool:
        """Whether the process runs."""

    def write(self, data: bytes) -> None:
        """Writes to the standard input of the process."""

    def close_input(self) -> None:
        """Closes the standard input of the process."""

    def kill(self) -> None:
        """Kills the process. Its end is reported as usual."""

    def wait(self, timeout_ms: int) -> None:
        """Blocks until the process has ended, and reports the rest of its output."""


class EventLoop(Protocol):
    """The event loop of a front end, such as Qt's."""

    def call_later(self, delay_ms: int, call: Callable[[], None]) -> Scheduled:
        """Calls a function once, from the event loop, after a delay."""

    def start_worker(self, listener: ProcessListener) -> Process:
        """Starts a process of `NephroSynthLib.jobs.worker`.

        Raises:
            WorkerError: If the program of the worker is missing.
        """
