"""A run that has ended frees its nodes, although PythonQt keeps each object that a signal was connected to."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from gui_workers import giving
from scene_state import start


@pytest.mark.parametrize("ending", ["result", "scene closed"])
def test_a_run_that_has_ended_frees_its_nodes(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, ending: str
) -> None:
    import slicer

    for phase, node in exam_nodes.items():
        getattr(widget.ui, f"{phase}Selector").setCurrentNode(node)
    start(host, widget, giving(str(result_folder)) if ending == "result" else "time.sleep(60)")
    task = widget.panel.run._task
    plan = weakref.ref(task._plan)
    kept = [keep(host, task, "_steps"), keep(host, task, "_worker")]
    if ending == "result":
        kept.append(keep(host, task, "_steps"))
    if ending == "scene closed":
        slicer.mrmlScene.Clear(0)
    host.wait_until(lambda: not widget.panel.run.running)
    gc.collect()
    assert plan() is None
    assert None not in kept


def keep(host: Any, task: Any, part: str) -> Any:
    """A part of a run, as soon as it is there."""
    host.wait_until(lambda: getattr(task, part) is not None)
    return getattr(task, part)
