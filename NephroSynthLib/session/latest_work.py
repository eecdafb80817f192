"""Work for a view that the user changes faster than it can be computed: the latest request counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.steps import Change, Step, StepRunner, Steps

Request = Callable[[], Steps[Change[Any]]]


class LatestWork:
    """Carries out one request at a time. A request that comes meanwhile waits, and replaces one that waits already.

    The steps of a request compute, and their result is a function that changes the scene. It is called only if the
    request was not dropped, so a result of old volumes never appears.

    Args:
        loop: The event loop of the front end.
        on_error: Called with the error of a request.
    """

    def __init__(self, loop: EventLoop, on_error: Callable[[Exception], None]) -> None:
        self._loop, self._on_error = loop, on_error
        self._runner: StepRunner[Change[Any]] | None = None
        self._next: tuple[Request, Callable[[Any], None]] | None = None
        self._then: Callable[[Any], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is carried out."""
        return self._runner is not None

    def request(self, work: Request, then: Callable[[Any], None]) -> None:
        """Carries out work, at once or after the present work.

        Args:
            work: Gives the steps. Called when the work begins.
            then: Called with the result of the change.
        """
        if self._runner is not None:
            self._next = (work, then)
            return
        self._then = then
        self._runner = StepRunner(self._loop, _begun(work), _ignore, self._ended)

    def drop(self) -> None:
        """Drops the requests. A computation goes on to its end, because it cannot be stopped, but changes nothing."""
        self._next = self._then = None

    def _ended(self, change: Change[Any] | None, error: Exception | None) -> None:
        then, waiting = self._then, self._next
        self._runner = self._next = self._then = None
        if waiting is not None:
            self.request(*waiting)
        elif then is not None and change is not None:
            self._finish(change, then)
        elif then is not None and error is not None:
            self._on_error(error)

    def _finish(self, change: Change[Any], then: Callable[[Any], None]) -> None:
        try:
            then(change())
        except Exception as error:  # the user sees every kind of error
            self._on_error(error)


def _begun(work: Request) -> Steps[Change[Any]]:
    """Calls `work` in the first step, so that its errors are those of the steps."""
    return (yield from work())


def _ignore(step: Step) -> None:
    """Shows no progress, because the work is short."""
