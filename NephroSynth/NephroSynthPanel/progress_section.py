"""The progress of a run: one bar with the stage and the time left, and a bar for each stage to open."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from NephroSynthLib.progress import PIPELINE_SHARES, ProgressEvent
from NephroSynthLib.session.run_progress import RunProgress
from NephroSynthLib.session.task import State


class ProgressSection:
    """Shows the progress of a run.

    Args:
        ui: The panel's widgets: `overallBar`, and a bar for each stage in a section of its own.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._bars = {stage: getattr(ui, f"{stage}Bar") for stage in PIPELINE_SHARES}
        self._progress = RunProgress()
        self._clock = qt.QTimer()
        self._clock.interval = 1000
        self._clock.connect("timeout()", self._show_status)

    def start(self) -> None:
        """Shows empty bars."""
        self._progress = RunProgress()
        self._show()
        self._ui.progressWidget.visible = True
        self._clock.start()

    def update(self, state: State, event: ProgressEvent) -> None:
        """Takes an event of the run's task."""
        self._progress.update(state, event)
        self._show()

    def stop(self, status: str) -> None:
        """Hides the bars and shows how the run ended."""
        self._clock.stop()
        self._ui.progressWidget.visible = False
        self._ui.statusLabel.text = status

    @property
    def elapsed(self) -> str:
        """The time since the start, for the user."""
        return duration(self._progress.elapsed_s)

    def _show(self) -> None:
        for stage, bar in self._bars.items():
            bar.value = round(1000 * self._progress.fractions[stage])
        self._ui.overallBar.value = round(1000 * self._progress.done)
        self._show_status()

    def _show_status(self) -> None:
        progress = self._progress
        left = _("about {time} left").format(time=duration(progress.left_s)) if progress.left_s is not None else ""
        parts = (_stages().get(progress.stage, ""), "%p %", left)
        self._ui.overallBar.format = " – ".join(part for part in parts if part)
        self._ui.statusLabel.text = progress.message


def _stages() -> dict[str, str]:
    """The names of the stages for the user."""
    return {
        "read": _("Reading"),
        "segment": _("Finding the kidneys"),
        "register": _("Registering"),
        "synthesize": _("Synthesizing"),
        "judge": _("Judging"),
        "save": _("Loading"),
    }


def duration(seconds: float) -> str:
    """A duration in minutes and seconds, for the user."""
    if seconds < 60:
        return _("{count} s").format(count=round(seconds))
    return _("{minutes} min {seconds} s").format(minutes=int(seconds // 60), seconds=int(seconds % 60))
