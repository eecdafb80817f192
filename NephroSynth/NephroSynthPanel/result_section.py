"""The common part of the sections that show a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from NephroSynthLib.mrml.run_nodes import RunNodes


class ResultSection:
    """A section of the panel that shows the current run.

    Args:
        ui: The panel's widgets.
        run: Gives the current run, or None if there is none.
        on_error: Called with each error.
    """

    def __init__(self, ui: Any, run: Callable[[], RunNodes | None], on_error: Callable[[Exception], None]) -> None:
        self._ui, self._run, self._on_error = ui, run, on_error

    def _do(self, action: Callable[..., None], *arguments: Any) -> None:
        """Calls `action` with the current run, if there is one, and reports its error."""
        run = self._run()
        if run is None:
            return
        try:
            action(run, *arguments)
        except Exception as error:  # the user sees every kind of error
            self._on_error(error)
