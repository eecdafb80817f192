"""The plan that loads an exam of a batch: the phases that its run read, and the volumes that the run wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import slicer

from NephroSynthLib.mrml.display import set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.mrml.run_order import ALL, NEW_NODES, RunOrder
from NephroSynthLib.mrml.run_plan import load_run
from NephroSynthLib.session.steps import Step, Steps, load_modules
from NephroSynthLib.session.task import Plan

_PHASES = {"noncontrast": "NC", "excretory": "EP", "nephrographic": "NP"}


def exam_plan(scene: slicer.vtkMRMLScene, arguments: Mapping[str, Any], name: str, folder: Path) -> Plan[RunNodes]:
    """Plans the loading of an exam and its result.

    Args:
        scene: The scene that takes the nodes.
        arguments: Those of `NephroSynthLib.session.exam_batch.ExamBatch`, which name the manifest.
        name: The exam's name. It begins the names of the phases.
        folder: The folder of its result.

    Returns:
        A plan whose result is the nodes of the run. If the task ends early, the scene is as it was before.
    """
    return Plan(
        command="phases-of-exam",
        write=lambda temporary: _arguments({**arguments, "exam": name, "folder": str(temporary / "phases")}),
        load=lambda temporary, found: _load(scene, found["phases"], name, folder),
    )


def _arguments(arguments: dict[str, Any]) -> Steps[dict[str, Any]]:
    return arguments
    yield


def _load(scene: slicer.vtkMRMLScene, phases: Mapping[str, str], name: str, folder: Path) -> Steps[RunNodes]:
    yield from load_modules("NephroSynthLib.mrml.result_nodes")
    from NephroSynthLib.mrml.result_nodes import remove_node
    from NephroSynthLib.mrml.volume_nodes import read_into

    nodes: dict[str, slicer.vtkMRMLScalarVolumeNode | None] = dict.fromkeys(_PHASES)
    try:
        for index, (phase, path) in enumerate(phases.items()):
            title = f"{name} {_PHASES[phase]}"
            yield Step(index / len(phases) / 2, _("Loading {name}").format(name=title))
            node = read_into(scene, Path(path), title)
            set_ct_window(node)
            nodes[phase] = node
        order = RunOrder(**nodes, kidneys=None, outputs=NEW_NODES, wanted=frozenset(ALL), settings={})
        return (yield from load_run(order, folder))
    except BaseException:
        for node in filter(None, nodes.values()):
            remove_node(scene, node)
        raise
