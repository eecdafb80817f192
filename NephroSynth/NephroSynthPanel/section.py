"""What the sections that show a result have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from NephroSynthPanel.results import RunNodes


class ResultSection:
    """A section of the panel that shows the run that is looked at.

    Args:
        ui: The panel's widgets.
        run: Gives the run that is looked at; None if there is none.
        on_error: Called with what went wrong.
    """

    def __init__(self, ui: Any, run: Callable[[], RunNodes | None], on_error: Callable[[Exception], None]) -> None:
        self._ui, self._run, self._on_error = ui, run, on_error

    def _do(self, action: Callable[..., None], *arguments: Any) -> None:
        """Does something with the run, if there is one; what goes wrong is shown."""
        run = self._run()
        if run is None:
            return
        try:
            action(run, *arguments)
        except Exception as error:  # whatever it is, the user sees it
            self._on_error(error)
