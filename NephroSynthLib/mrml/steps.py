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


def in_background(work: Callable[[], T], step: S) -> Generator[S, None, T]:
    """Runs `work`, which touches no scene and is short, in a thread, and yields `step` until it is done.

    Every step waits a few hundredths of a second, which is when the thread gets its turn: Slicer's event loop itself
    never lets one run. For the same reason the end of the work is waited for if the generator is closed meanwhile;
    what it wrote can then be removed.
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


def finish(steps: Steps[T]) -> T:
    """Does all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
