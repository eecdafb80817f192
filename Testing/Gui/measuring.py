"""Measures the longest wait of the event loop, and names the step in which it happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class LongestWait:
    """Measures between the turns of the event loop from its making to `stop`.

    Args:
        doing: Tells what goes on now.

    Attributes:
        wall_s: The longest wait.
        busy_s: How long this thread computed in it; the rest went to other threads and processes.
        when: What went on.
    """

    def __init__(self, doing: Callable[[], str]) -> None:
        import qt

        self._doing = doing
        self.wall_s = self.busy_s = 0.0
        self.when = ""
        self._wall, self._busy, self._now = time.monotonic(), time.thread_time(), doing()
        self._timer: Any = qt.QTimer()
        self._timer.interval = 0
        self._timer.connect("timeout()", self._turn)
        self._timer.start()

    def stop(self) -> str:
        """Measures no more, and gives the longest wait in words."""
        self._turn()
        self._timer.stop()
        return f"{1000 * self.wall_s:.0f} ms ({1000 * self.busy_s:.0f} ms of them computing) at '{self.when}'"

    def _turn(self) -> None:
        wall, busy = time.monotonic(), time.thread_time()
        if wall - self._wall > self.wall_s:
            self.wall_s, self.busy_s = wall - self._wall, busy - self._busy
            self.when = self._now
        self._wall, self._busy, self._now = wall, busy, self._doing()
