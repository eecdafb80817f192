"""The common part of the sections that show a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.latest_work import LatestWork
from NephroSynthLib.session.steps import Change, Step, Steps, in_background


class ResultSection:
    """A section of the panel that shows the current run.

    Args:
        ui: The panel's widgets.
        loop: The event loop.
        run: Gives the current run, or None if there is none.
        on_error: Called with each error.
    """

    def __init__(
        self,
        ui: Any,
        loop: EventLoop,
        run: Callable[[], RunNodes | None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._ui, self._run, self._on_error = ui, run, on_error
        self._latest = LatestWork(loop, on_error)

    @property
    def busy(self) -> bool:
        """Whether a volume, table or chart is computed."""
        return self._latest.busy

    def _compute(self, work: Callable[[], Steps[Change[Any]]], then: Callable[[Any], None]) -> None:
        """Computes something for a view, while the window answers.

        Args:
            work: Imports the function that computes, and gives its steps. It is called in a thread, because the import
                loads large libraries, so it touches no scene.
            then: Called with the result of the change.
        """

        def steps() -> Steps[Change[Any]]:
            found = yield from in_background(work, Step(0.0, ""))
            return (yield from found)

        self._latest.request(steps, then)

    def _change(self, imports: Callable[[], Change[None]]) -> None:
        """Changes the scene, which takes no time.

        Args:
            imports: Imports what the change needs, in a thread, and gives the change.
        """
        self._latest.request(lambda: in_background(imports, Step(0.0, "")), lambda nothing: None)

    def _do(self, action: Callable[..., None], *arguments: Any) -> None:
        """Calls `action` with the current run, if there is one, and reports its error."""
        run = self._run()
        if run is None:
            return
        try:
            action(run, *arguments)
        except Exception as error:  # the user sees every kind of error
            self._on_error(error)
