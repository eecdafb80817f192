"""Long work in small steps, so that a window answers meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")
_WAIT_S = 0.02


@dataclass(frozen=True)
class LoadStep:
    """How far the work is: `fraction` in [0, 1], and what goes on now."""

    fraction: float
    message: str


Steps = Generator[LoadStep, None, T]
"""Drive it with `next` once per turn of the event loop; its result is the value of StopIteration."""


def in_background(work: Callable[[], T], step: S, undo: Callable[[], None] = lambda: None) -> Generator[S, None, T]:
    """Runs `work`, which touches no scene, in a thread, and yields `step` until it is done.

    Every step waits a few hundredths of a second, which is when the thread gets its turn: Slicer's event loop itself
    never lets one run. If the generator is closed meanwhile, nobody waits for the thread: it goes on unheard, and calls
    `undo` when the work has ended.
    """
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    try:
        while True:
            try:
                return future.result(timeout=_WAIT_S)
            except NotYet:
                if future.done():
                    return future.result()
                yield step
    except GeneratorExit:
        future.add_done_callback(lambda ended: undo())
        raise


def finish(steps: Steps[T]) -> T:
    """Does all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
