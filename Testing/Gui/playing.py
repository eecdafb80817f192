"""Choosing in the panel, and runs that take their result from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gui_workers import giving
from scene_state import start, wait_for_end


def choose(widget: Any, **nodes: Any) -> None:
    """Chooses nodes by the names of their selectors."""
    for name, node in nodes.items():
        getattr(widget.ui, f"{name}Selector").setCurrentNode(node)


def run(host: Any, widget: Any, folder: Path) -> Any:
    """Runs with a worker that takes its result from a folder, and returns the nodes of the result."""
    start(host, widget, giving(str(folder)))
    wait_for_end(host, widget, 60.0)
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    return widget.panel.current_run()
