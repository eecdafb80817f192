"""The plan of a run: writes the inputs to files, lets the worker compute, and loads the result into the scene."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.mrml.dicom_database import delay_s, dicom_file
from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.landmark_nodes import write_points
from NephroSynthLib.mrml.run_nodes import COMPUTED, ROLE, SYNTHETIC, RunNodes
from NephroSynthLib.mrml.run_order import Outputs, RunOrder
from NephroSynthLib.mrml.transform_nodes import is_bent, map_writer
from NephroSynthLib.session.steps import Step, Steps, in_background, load_modules
from NephroSynthLib.session.task import Plan

if TYPE_CHECKING:
    from NephroSynthLib.mrml.result_nodes import LoadedResult

_RESULT = "result"


def run_plan(order: RunOrder) -> Plan[RunNodes]:
    """Plans a run.

    Args:
        order: The inputs, outputs and settings.

    Returns:
        A plan whose result is the nodes of the run. If the task ends early, the scene is as it was before.
    """
    return Plan(
        command="run",
        write=partial(_write_inputs, order),
        load=lambda folder, result: load_run(order, folder / _RESULT),
    )


def _write_inputs(order: RunOrder, folder: Path) -> Steps[dict[str, Any]]:
    """Writes the inputs and returns the arguments of the worker's job.

    Transforms that keep the voxels of the excretory phase straight change its geometry. Others become the initial
    transform of the registration, because the voxels are interpolated once only.
    """
    settings = yield from _settings(order)
    arguments: dict[str, Any] = {"settings": settings, "images": "nrrd", "out": str(folder / _RESULT)}
    yield from load_modules("NephroSynthLib.mrml.segmentation_nodes")
    from NephroSynthLib.mrml.segmentation_nodes import kidneys_writer
    from NephroSynthLib.mrml.volume_nodes import node_writer

    inputs = {name: node for name, node in _inputs(order).items() if node is not None}
    bent = is_bent(order.excretory)
    for index, (name, node) in enumerate(inputs.items()):
        step = Step(index / len(inputs), node.GetName())
        yield step
        path = folder / f"{name}.nrrd"
        is_kidneys = name == "kidneys"
        placed = not (bent and name == "excretory")
        writer = kidneys_writer(node, order.noncontrast, path) if is_kidneys else node_writer(node, path, placed)
        yield from in_background(writer, step)
        if not placed:
            arguments["initial_transform"] = str(folder / "initial.h5")
            yield from in_background(map_writer(node, order.noncontrast, folder / "initial.h5"), step)
        arguments[name] = str(path)
    for name in ("landmarks", "excretory_landmarks"):
        points = getattr(order, name)
        if points is not None:
            yield from load_modules("NephroSynthLib.registration.markups")
            frame = order.excretory if bent and name == "excretory_landmarks" else None
            write_points(points, folder / f"{name}.csv", frame)
            arguments[name] = str(folder / f"{name}.csv")
    return arguments


def _settings(order: RunOrder) -> Steps[dict[str, Any]]:
    """Returns the settings of a run. A delay that is not set comes from the DICOM header of the excretory phase."""
    synthesis = order.settings.get("synthesis", {})
    if synthesis.get("excretory_delay_s") is not None:
        return order.settings
    work = partial(delay_s, dicom_file(order.excretory))
    delay = yield from in_background(work, Step(0.0, _("Reading the DICOM header")))
    return {**order.settings, "synthesis": {**synthesis, "excretory_delay_s": delay}} if delay else order.settings


def load_run(order: RunOrder, folder: Path) -> Steps[RunNodes]:
    """Loads the results of a run. If it ends early, the scene is as it was before.

    Args:
        order: The inputs, and the nodes that take the results.
        folder: The files of the results.

    Raises:
        UsageError: While stepping, if the non-contrast volume was removed.
        UnreadableInputError: While stepping, if a file is missing or damaged.
    """
    yield from load_modules("NephroSynthLib.mrml.result_nodes")
    from NephroSynthLib.mrml.result_nodes import load_result

    scene = order.noncontrast.GetScene()
    if scene is None:
        raise UsageError(
            _("The non-contrast volume was removed during the run, so the result was not loaded."),
            Action.LOAD_AGAIN,
        )
    scene.SaveStateForUndo()
    inputs = {name: node for name, node in _inputs(order).items() if node is not None and node.GetScene()}
    roles = {name.capitalize(): node for name, node in inputs.items()}
    wanted = order.wanted | {"synthetic"}
    loaded = yield from load_result(scene, folder, order.noncontrast, _present(order.outputs), wanted, roles)
    return _connect(scene, inputs, loaded)


def _inputs(order: RunOrder) -> dict[str, slicer.vtkMRMLDisplayableNode | None]:
    return {
        "noncontrast": order.noncontrast,
        "excretory": order.excretory,
        "nephrographic": order.nephrographic,
        "kidneys": order.kidneys,
    }


def _present(outputs: Outputs) -> Outputs:
    """The outputs that are still in the scene. The run makes new nodes for the others."""
    return Outputs(
        **{name: node if node is not None and node.GetScene() else None for name, node in vars(outputs).items()}
    )


def _connect(
    scene: slicer.vtkMRMLScene, inputs: dict[str, slicer.vtkMRMLDisplayableNode], loaded: LoadedResult
) -> RunNodes:
    """Connects the nodes of a run by references, and removes nodes that were computed from overwritten volumes."""
    synthetic = loaded.synthetic
    assert synthetic is not None  # `load_run` always wants it
    synthetic.SetAttribute(ROLE, SYNTHETIC)
    run = RunNodes(synthetic)
    for role in COMPUTED:
        if getattr(run, role) is not None:
            scene.RemoveNode(getattr(run, role))
    nodes = {
        "noncontrast": inputs["noncontrast"],
        "excretory": inputs.get("excretory"),
        "registered": loaded.excretory,
        "acquired": loaded.acquired,
        "kidneys": loaded.kidneys,
        "transform": loaded.transform,
        "uncertainty": loaded.uncertainty,
        "report": _report(run, loaded.report),
    }
    for role, node in nodes.items():
        run.remember(role, node)
    return run


def _report(run: RunNodes, file: Path | None) -> slicer.vtkMRMLTextNode | None:
    """Stores the HTML report in a text node, so that it stays with the scene.

    The report of an earlier run with the same synthetic volume is overwritten.
    """
    if file is None:
        return None
    node = run.report
    if node is None:
        scene = run.synthetic.GetScene()
        name = scene.GenerateUniqueName(_("{name} report").format(name=run.synthetic.GetName()))
        node = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
        place_beside(node, run.synthetic)
    node.SetText(file.read_text(encoding="utf-8"))
    node.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeAlways)
    return node
