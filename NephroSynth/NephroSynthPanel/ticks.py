"""Long work in the main thread, a step in each turn of the event loop, so that the window goes on answering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import qt


class Ticks:
    """Runs a generator step by step.

    Args:
        work: What to do; each `yield` ends a step.
        on_step: Called with what each step yields.
        on_end: Called once with what the generator returns and None, or with None and its error.
    """

    def __init__(
        self,
        work: Iterator[Any],
        on_step: Callable[[Any], None],
        on_end: Callable[[Any, Exception | None], None],
    ) -> None:
        self._work: Any = work
        self._on_step, self._on_end = on_step, on_end
        self._timer = qt.QTimer()
        self._timer.singleShot = True
        self._timer.interval = 0
        self._timer.connect("timeout()", self._step)
        self._timer.start()

    def stop(self) -> None:
        """Ends the work where it stands; the generator undoes what it has to. `on_end` is not called any more."""
        self._timer.stop()
        work, _ = self._let_go()
        work.close()

    def _step(self) -> None:
        try:
            step = next(self._work)
        except StopIteration as end:
            self._end(end.value, None)
            return
        except Exception as error:  # whatever it is, the caller shows it
            self._end(None, error)
            return
        self._on_step(step)
        self._timer.start()

    def _end(self, result: Any, error: Exception | None) -> None:
        _, on_end = self._let_go()
        on_end(result, error)

    def _let_go(self) -> tuple[Any, Callable[[Any, Exception | None], None]]:
        """The work and who waits for it, forgotten here: PythonQt keeps for ever what a signal is connected to."""
        work, on_end = self._work, self._on_end
        self._work, self._on_step, self._on_end = _nothing(), _ignore, _ignore
        return work, on_end


def _nothing() -> Iterator[None]:
    yield from ()


def _ignore(*said: Any) -> None:
    """Nobody listens any more."""
