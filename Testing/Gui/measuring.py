"""Measures the longest wait of the event loop, and names the step in which it happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest


class ViewTime:
    """The time that the test host takes to make and to draw its views, in software and whatever the module does.

    Attributes:
        busy_s: How long this thread computed for views so far.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from slicer_host.layout_manager import qSlicerLayoutManager
        from slicer_host.view_canvas import ViewCanvas

        self.busy_s, self._depth = 0.0, 0
        for owner, name in ((ViewCanvas, "_render"), (qSlicerLayoutManager, "_node_changed")):
            monkeypatch.setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, call: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: Any) -> None:
            before = time.thread_time()
            self._depth += 1
            try:
                call(*arguments)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.busy_s += time.thread_time() - before

        return timed


class LongestWait:
    """Measures between the turns of the event loop from its making to `stop`.

    Args:
        doing: Tells what goes on now.
        views: The time of the views, which is left out.

    Attributes:
        busy_s: How long this thread computed in the longest wait. Other threads and processes do not count.
        when: What went on.
    """

    def __init__(self, doing: Callable[[], str], views: ViewTime) -> None:
        import qt

        self._doing, self._views = doing, views
        self.busy_s = 0.0
        self.when = ""
        self._busy, self._now = self._clock(), doing()
        self._timer: Any = qt.QTimer()
        self._timer.interval = 0
        self._timer.connect("timeout()", self._turn)
        self._timer.start()

    def stop(self) -> None:
        """Measures no more."""
        self._turn()
        self._timer.stop()

    def __str__(self) -> str:
        return f"{1000 * self.busy_s:.0f} ms" + (f" at '{self.when}'" if self.when else "")

    def _clock(self) -> float:
        return time.thread_time() - self._views.busy_s

    def _turn(self) -> None:
        busy = self._clock()
        if busy - self._busy > self.busy_s:
            self.busy_s, self.when = busy - self._busy, self._now
        self._busy, self._now = busy, self._doing()
