"""Starts runs, and checks the traces that a run may leave: nodes, temporary files, and the state of the panel."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gui_workers import PlayedWorker, program


def start(host: Any, widget: Any, body: str, python: str = sys.executable) -> None:
    """Starts a run whose worker is a program of the test."""
    widget.panel.loop.worker_command = lambda: program(body, python)
    widget.panel.run.start()
    host.process_events()


def start_played(host: Any, widget: Any, folder: Path, while_it_works: Callable[[], None] = lambda: None) -> None:
    """Starts a run without a process, that gives the files of a folder. Later workers are real again.

    Args:
        host: The open host.
        widget: The module's widget.
        folder: The files of a result.
        while_it_works: Called after the inputs are written and before the worker answers.
    """
    loop = widget.panel.loop

    def play(listener: Any) -> PlayedWorker:
        del loop.start_worker
        while_it_works()
        return PlayedWorker(loop, listener, folder)

    loop.start_worker = play
    widget.panel.run.start()


def wait_for_end(host: Any, widget: Any, timeout_s: float = 20.0) -> None:
    """Waits for the end of the run; the next job has the real worker again."""
    from NephroSynthPanel.qt_event_loop import worker_command

    host.wait_until(lambda: not widget.panel.run.running, timeout_s)
    widget.panel.loop.worker_command = worker_command


def slicer_temporary() -> Path:
    import slicer

    return Path(slicer.app.temporaryPath)


def leftovers() -> list[str]:
    return sorted(os.listdir(slicer_temporary()))


def contents() -> list[str]:
    import slicer

    scene = slicer.mrmlScene
    return [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]


def assert_as_before(widget: Any, nodes: list[str]) -> None:
    assert contents() == nodes
    assert leftovers() == []
    assert widget.ui.applyButton.enabled
    assert not widget.ui.cancelButton.enabled
    assert not widget.ui.progressWidget.visible
