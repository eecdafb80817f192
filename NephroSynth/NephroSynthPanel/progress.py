"""The progress bars: one for each stage, one for all, and the time left."""

from __future__ import annotations

import time
from typing import Any

import qt
from slicer.i18n import tr as _

from NephroSynthLib.progress import PIPELINE_SHARES

_LEAST_SHARE = 0.03  # before this much is done, nobody knows how long the rest takes


class ProgressBars:
    """Shows where a run stands.

    Args:
        ui: The panel's widgets: `progressWidget`, `overallBar`, a bar for each stage, `statusLabel`.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._bars = {stage: getattr(ui, f"{stage}Bar") for stage in PIPELINE_SHARES}
        self._fractions: dict[str, float] = {}
        self._message = ""
        self._began = 0.0
        self._clock = qt.QTimer()
        self._clock.interval = 1000
        self._clock.connect("timeout()", self._show_status)

    def start(self) -> None:
        """Shows empty bars."""
        self._fractions = {}
        self._began = time.monotonic()
        for bar in (*self._bars.values(), self._ui.overallBar):
            bar.value = 0
        self._ui.progressWidget.visible = True
        self._clock.start()

    def show(self, stage: str, fraction: float, message: str) -> None:
        """Moves the bar of a stage; the stages before it are done."""
        if stage not in self._bars:
            return
        names = list(self._bars)
        for earlier in names[: names.index(stage)]:
            self._move(earlier, 1.0)
        self._move(stage, fraction)
        self._message = message
        self._ui.overallBar.value = round(1000 * self._done)
        self._show_status()

    def stop(self, status: str) -> None:
        """Ends the progress with a last word."""
        self._clock.stop()
        self._ui.progressWidget.visible = False
        self._ui.statusLabel.text = status

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def _done(self) -> float:
        shares = PIPELINE_SHARES.items()
        return sum(share * self._fractions.get(stage, 0.0) for stage, share in shares) / sum(PIPELINE_SHARES.values())

    def _move(self, stage: str, fraction: float) -> None:
        self._fractions[stage] = max(fraction, self._fractions.get(stage, 0.0))
        self._bars[stage].value = round(1000 * self._fractions[stage])

    def _show_status(self) -> None:
        left = ""
        if self._done > _LEAST_SHARE:
            left = _("about {time} left").format(time=in_words(self.elapsed_s * (1 - self._done) / self._done))
        self._ui.statusLabel.text = " – ".join(part for part in (self._message, left) if part)


def in_words(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return _("{count} s").format(count=round(seconds))
    return _("{minutes} min {seconds} s").format(minutes=int(seconds // 60), seconds=int(seconds % 60))
