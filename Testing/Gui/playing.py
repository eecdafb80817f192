"""Chooses volumes in the panel, and carries out runs that take their result from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scene_state import start_played, wait_for_end


def choose(widget: Any, **nodes: Any) -> None:
    """Chooses nodes by the names of their selectors."""
    for name, node in nodes.items():
        getattr(widget.ui, f"{name}Selector").setCurrentNode(node)


def run(host: Any, widget: Any, folder: Path) -> Any:
    """Carries out a run that takes its result from a folder, without a process, and returns its nodes."""
    start_played(host, widget, folder)
    wait_for_end(host, widget, 60.0)
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    return widget.panel.current_run()


def press(host: Any, widget: Any, button: Any) -> None:
    """Clicks a button and waits for the volume, table or chart that it makes."""
    host.click(button)
    host.wait_until(lambda: not (widget.panel.check.busy or widget.panel.comparison.busy))
