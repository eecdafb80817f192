"""The engine of one machine: each thread of a pool holds one process and gives it one task after another."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from NephroSynthLib.engines.engine import Lost, Work, thread_limits
from NephroSynthLib.files.staging import temporary_folder


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine. One that crashes takes only its own task with it.

    Attributes:
        workers: The number of processes.
    """

    workers: int

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """See `Engine.run`."""
        held, stations, closed = threading.local(), list[_Station](), threading.Event()
        limits = thread_limits(max(1, (os.cpu_count() or 1) // self.workers))

        def carry_out(task: Any) -> Any:
            if closed.is_set():
                return Lost("It was cancelled.")
            if getattr(held, "station", None) is None:
                held.station = _Station({**limits, "TMPDIR": str(temporary)})
                stations.append(held.station)
            outcome = held.station.carry_out(work, task)
            if isinstance(outcome, Lost):
                held.station = None
            return outcome

        with temporary_folder(Path(tempfile.gettempdir())) as temporary:
            pool = ThreadPoolExecutor(min(self.workers, max(1, len(tasks))))
            try:
                futures = {pool.submit(carry_out, task): task for task in tasks}
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                closed.set()
                pool.shutdown(wait=False, cancel_futures=True)
                for station in stations:
                    station.end()
                pool.shutdown()


class _Station:
    """A process that carries out one task after another.

    Args:
        environment: Variables of the process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, dict(environment)))
        self._process.start()
        other.close()

    def carry_out(self, work: Work, task: Any) -> Any:
        """Returns the outcome of a task, or `Lost` if the process ended before it."""
        try:
            self._pipe.send((work, task))
            return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            return Lost(_why(self._process.exitcode or 0))

    def end(self) -> None:
        """Ends the process at once, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, environment: Mapping[str, str]) -> None:
    """Carries out the tasks that come through a pipe until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is for the parent, which ends this process
    os.environ.update(environment)
    tempfile.tempdir = environment["TMPDIR"]
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            work, task = pipe.recv()
            pipe.send(work(task))


def _why(code: int) -> str:
    if code == -signal.SIGKILL:
        return "The system ended its process, most likely because memory ran out."
    return f"Its process ended {f'by signal {-code}' if code < 0 else f'with status {code}'}."
