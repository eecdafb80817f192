"""Choosing in the panel, and runs that take their result from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gui_workers import giving, program


def choose(widget: Any, **nodes: Any) -> None:
    for name, node in nodes.items():
        getattr(widget.ui, f"{name}Selector").setCurrentNode(node)


def run(host: Any, widget: Any, folder: Path) -> Any:
    widget.panel.loop.worker_command = lambda: program(giving(str(folder)))
    widget.panel.run.start()
    host.wait_until(lambda: not widget.panel.run.running, 60.0)
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    return widget.panel.current_run()
