"""A job in a worker process, followed and ended without blocking the event loop."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any

from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.jobs.conversation import Conversation, Message, as_line
from NephroSynthLib.session.event_loop import EventLoop, Process, Scheduled

CANCEL_WITHIN_MS = 700
_WAIT_FOR_KILL_MS = 2000
_KILL = int(getattr(signal, "SIGKILL", signal.SIGTERM))
_LAUNCHER_LINE = "exit abnormally"
"""Slicer's launcher (PythonSlicer) writes this when a signal ended the Python process that it started.

The launcher itself then exits with status 1 (ctkAppLauncher.cpp, applicationFinished)."""
_CRASH_LINES = ("Fatal Python error", "Windows fatal exception")
"""Python's faulthandler writes one of these when Python crashes, but not when the system kills the process."""

OnEnd = Callable[["dict[str, Any] | None", "NephroSynthError | None"], None]


class WorkerJob:
    """Runs one job in a worker process and ends in exactly one call of `on_end`.

    Args:
        loop: The event loop of the front end.
        on_message: Called with each progress message and warning.
        on_log: Called with each line of standard error.
        on_end: Called with the result or the error, after the process has ended and its temporary files are removed.
    """

    def __init__(
        self,
        loop: EventLoop,
        on_message: Callable[[Message], None],
        on_log: Callable[[str], None],
        on_end: OnEnd,
    ) -> None:
        self._loop, self._on_message, self._on_log, self._on_end = loop, on_message, on_log, on_end
        self._conversation = Conversation()
        self._output, self._log = b"", b""
        self._signs: set[str] = set()
        self._result: dict[str, Any] | None = None
        self._error: NephroSynthError | None = None
        self._ended = False
        self._process: Process | None = None
        self._killer: Scheduled | None = None

    def start(self, command: str, arguments: dict[str, Any]) -> None:
        """Starts the job.

        Args:
            command: The name of the job.
            arguments: Its arguments, as JSON values.

        Raises:
            WorkerError: If the program of the worker is missing.
        """
        self._process = self._loop.start_worker(self)
        if not self._ended:
            self._process.write(as_line({"command": command, "arguments": arguments}))

    def cancel(self) -> None:
        """Ends the job within a second. `on_end` then gets `Cancelled`."""
        if self._process is not None and not self._ended and self._error is None:
            self._error = Cancelled()
            self._process.write(as_line({"type": "cancel"}))
            self._stop()

    def end_now(self) -> None:
        """Ends the job before this method returns, for a scene or an application that closes."""
        if self._process is None or self._ended:
            return
        self._error = Cancelled()
        self._kill()
        self._process.wait(_WAIT_FOR_KILL_MS)
        self._end()

    def receive_output(self, data: bytes) -> None:
        """Handles the messages in bytes from standard output."""
        *lines, self._output = (self._output + data).split(b"\n")
        for line in lines:
            self._hear(line)

    def receive_log(self, data: bytes) -> None:
        """Handles the lines in bytes from standard error."""
        *lines, self._log = (self._log + data).split(b"\n")
        for line in lines:
            text = self._conversation.log(line)
            self._signs |= {sign for sign in (_LAUNCHER_LINE, *_CRASH_LINES) if sign in text}
            self._on_log(text)

    def process_ended(self, status: int, crashed: bool) -> None:
        """Ends the job with its result or with the reason why there is none."""
        if self._result is None and self._error is None:
            self._error = self._cause_of_death(status, crashed)
        self._end()

    def process_not_started(self, error: NephroSynthError) -> None:
        """Ends the job with the error."""
        self._error = error
        self._end()

    def _hear(self, line: bytes) -> None:
        """Handles one message.

        The process number and temporary files matter after a cancellation too, so every line is read.
        """
        settled = self._error is not None or self._result is not None
        try:
            message = self._conversation.hear(line)
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

    def _stop(self) -> None:
        """Asks the worker to end and kills it if it does not."""
        if self._process is not None:
            self._process.close_input()  # the worker ends when its input ends
            self._killer = self._loop.call_later(CANCEL_WITHIN_MS, self._kill)

    def _cause_of_death(self, status: int, crashed: bool) -> NephroSynthError:
        conversation = self._conversation
        if not crashed and _LAUNCHER_LINE in self._signs:
            return conversation.why_it_died("by a signal", killed=self._signs.isdisjoint(_CRASH_LINES))
        if crashed:
            return conversation.why_it_died(f"by signal {status}", killed=status == _KILL)
        return conversation.why_it_died(f"with status {status}", killed=False)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended, on_end = True, self._on_end
        if self._killer is not None:
            self._killer.cancel()
        self._on_message = self._on_log = self._on_end = _ignore
        self._conversation.clean_up()
        if self._error is not None:
            on_end(None, self._error)
        else:
            on_end(self._result, None)

    def _kill(self) -> None:
        """Kills the worker, and the launcher that started it."""
        if self._process is None or not self._process.running:
            return
        pid = self._conversation.worker_pid
        if pid is not None:
            with contextlib.suppress(OSError):  # the worker may have ended already
                os.kill(pid, _KILL)
        self._process.kill()


def _ignore(*arguments: Any) -> None:
    """Replaces the callbacks after the end."""
