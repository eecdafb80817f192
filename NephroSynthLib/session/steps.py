"""Long work in small steps, so that a window stays responsive."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Generic, TypeVar

from NephroSynthLib.session.event_loop import EventLoop, Scheduled

T = TypeVar("T")
S = TypeVar("S")
_WAIT_S = 0.02


@dataclass(frozen=True)
class Step:
    """The progress of the work: `fraction` in [0, 1] is done, and `message` names the current part."""

    fraction: float
    message: str


Steps = Generator[Step, None, T]
"""Work that yields after each step. Its result is the value of StopIteration."""

Change = Callable[[], T]
"""A change of the scene, computed before and quickly made. It returns its new nodes."""


def in_background(work: Callable[[], T], step: S) -> Generator[S, None, T]:
    """Runs `work` in a thread and yields `step` until the work is done.

    Slicer's event loop never releases Python's lock, so other threads run only while a step waits. Each step therefore
    waits for 20 ms. If the generator is closed early, it waits for the end of the work: otherwise the thread could
    write files after the caller has cleaned up.

    Args:
        work: Short work that touches no scene.
        step: The value to yield.

    Returns:
        The result of the work.

    Raises:
        Exception: The exception that the work raised.
    """
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        while True:
            try:
                return future.result(timeout=_WAIT_S)
            except NotYet:
                if future.done():
                    return future.result()
                yield step


def load_modules(*names: str) -> Steps[None]:
    """Imports modules in a thread, because they load large libraries.

    Args:
        names: Dotted names.
    """
    for name in names:
        yield from in_background(partial(import_module, name), Step(0.0, ""))


class StepRunner(Generic[T]):
    """Runs one step of some work in each turn of an event loop.

    Args:
        loop: The event loop of the front end.
        work: The work.
        on_step: Called after each step.
        on_end: Called once with the result and None, or with None and the exception that the work raised.
    """

    def __init__(
        self,
        loop: EventLoop,
        work: Steps[T],
        on_step: Callable[[Step], None],
        on_end: Callable[[T | None, Exception | None], None],
    ) -> None:
        self._loop, self._on_step, self._on_end = loop, on_step, on_end
        self._work: Steps[T] | None = work
        self._stepping = False
        self._next: Scheduled = loop.call_later(0, self._step)

    def stop(self) -> None:
        """Ends the work early. `on_end` is not called.

        The generator is closed, so that it undoes its changes. If this method is called from within a step, the
        generator is closed after that step.
        """
        self._next.cancel()
        work = self._let_go()
        if work is not None and not self._stepping:
            work.close()

    def _step(self) -> None:
        work = self._work
        if work is None:
            return
        self._stepping = True
        try:
            step = next(work)
        except StopIteration as end:
            self._end(end.value, None)
        except Exception as error:  # the caller shows every kind of error
            self._end(None, error)
        else:
            self._continue(work, step)
        finally:
            self._stepping = False

    def _continue(self, work: Steps[T], step: Step) -> None:
        if self._work is None:  # stopped during the step
            work.close()
            return
        self._on_step(step)
        if self._work is not None:  # not stopped by `on_step`
            self._next = self._loop.call_later(0, self._step)

    def _end(self, result: T | None, error: Exception | None) -> None:
        on_end, stopped = self._on_end, self._work is None
        self._let_go()
        if not stopped:
            on_end(result, error)

    def _let_go(self) -> Steps[T] | None:
        """Drops the work and the callbacks, because a Qt connection may keep this object alive."""
        work, self._work = self._work, None
        self._on_step = self._on_end = _ignore
        return work


def _ignore(*arguments: Any) -> None:
    """Replaces the callbacks after the end."""
