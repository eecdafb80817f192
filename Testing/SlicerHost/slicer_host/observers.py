"""Observers of VTK objects that end with the widget that wanted them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget


class Observers:
    """The observers of a widget."""

    def __init__(self, widget: QWidget) -> None:
        self._tags: list[tuple[Any, int]] = []
        widget.destroyed.connect(self.clear)

    def add(self, observed: Any, event: Any, callback: Callable[..., Any]) -> None:
        """Calls back when `observed` invokes the event."""
        self._tags.append((observed, observed.AddObserver(event, callback)))

    def clear(self, *_: object) -> None:
        """Calls back no more."""
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags = []
