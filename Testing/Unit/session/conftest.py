"""An event loop that a test drives by hand, with a process that does what the test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.jobs.worker import PROTOCOL
from NephroSynthLib.session.event_loop import ProcessListener


class FakeScheduled:
    """A delayed call that the test's clock makes."""

    def __init__(self, at_ms: int, call: Callable[[], None]) -> None:
        self.at_ms, self.call, self.cancelled = at_ms, call, False

    def cancel(self) -> None:
        self.cancelled = True


class FakeProcess:
    """A process without a program: the test speaks for it."""

    def __init__(self, listener: ProcessListener) -> None:
        self.listener = listener
        self.running = True
        self.received: list[dict[str, Any]] = []
        self.input_closed = self.killed = False
        self.last_words = b""

    def write(self, data: bytes) -> None:
        self.received.append(json.loads(data))

    def close_input(self) -> None:
        self.input_closed = True

    def kill(self) -> None:
        self.killed = True

    def wait(self, timeout_ms: int) -> None:
        assert self.killed, "nobody ends this process"
        self.running = False
        self.listener.receive_output(self.last_words)

    def say(self, kind: str, **fields: Any) -> None:
        self.listener.receive_output(line(kind, **fields))

    def end(self, status: int = 0, crashed: bool = False) -> None:
        self.running = False
        self.listener.process_ended(status, crashed)


class FakeLoop:
    """An event loop whose turns the test takes.

    Attributes:
        processes: All processes that were started.
        refusal: The error with which a process does not start.
    """

    def __init__(self) -> None:
        self._now_ms = 0
        self._calls: list[FakeScheduled] = []
        self.processes: list[FakeProcess] = []
        self.refusal: NephroSynthError | None = None

    def call_later(self, delay_ms: int, call: Callable[[], None]) -> FakeScheduled:
        scheduled = FakeScheduled(self._now_ms + delay_ms, call)
        self._calls.append(scheduled)
        return scheduled

    def start_worker(self, listener: ProcessListener) -> FakeProcess:
        if self.refusal is not None:
            raise self.refusal
        self.processes.append(FakeProcess(listener))
        self.processes[-1].say("hello", protocol=PROTOCOL, version="0", pid=None)
        return self.processes[-1]

    @property
    def process(self) -> FakeProcess:
        """The only process."""
        [process] = self.processes
        return process

    def turn(self) -> None:
        """Makes the calls that are due now, but not those that they schedule."""
        due = [one for one in self._calls if one.at_ms <= self._now_ms]
        self._calls = [one for one in self._calls if one.at_ms > self._now_ms]
        for one in due:
            if not one.cancelled:
                one.call()

    def run(self) -> None:
        """Takes turns until nothing is due."""
        while any(one.at_ms <= self._now_ms for one in self._calls):
            self.turn()

    def wait(self, ms: int) -> None:
        """Lets time go by."""
        self._now_ms += ms
        self.run()


def line(kind: str, **fields: Any) -> bytes:
    """A message of a worker."""
    return (json.dumps({"type": kind, **fields}) + "\n").encode()


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()
