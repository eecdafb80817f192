"""The plan of an export: writes the nodes of a run to files, and lets the worker convert and publish them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import slicer

from NephroSynthLib.errors import Action, ResourceError
from NephroSynthLib.files.outputs import READY, REPORT, SUMMARY
from NephroSynthLib.jobs.failures import traceback_of
from NephroSynthLib.mrml.dicom_database import add_to_database
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.session.export_choice import ExportChoice
from NephroSynthLib.session.steps import Step, Steps, in_background, load_modules
from NephroSynthLib.session.task import Plan


def export_plan(
    run: RunNodes, choice: ExportChoice, out: Path, on_warning: Callable[[str], None], on_log: Callable[[str], None]
) -> Plan[list[str]]:
    """Plans an export.

    The folder appears whole or not at all. Once it is there, the export counts as successful, even if the worker or
    the DICOM database fails afterwards.

    Args:
        run: The run to export.
        choice: What to export.
        out: The folder to make.
        on_warning: Called if the DICOM database does not take the files.
        on_log: Called with the details of that failure.

    Returns:
        A plan whose result is the sorted names of the exported files and folders.
    """
    return Plan(
        command="export-result",
        write=partial(_write, run, choice, out),
        load=lambda folder, result: _publish(choice, out, on_warning, on_log),
        survives=out.exists,
    )


def _write(run: RunNodes, choice: ExportChoice, out: Path, folder: Path) -> Steps[dict[str, Any]]:
    ready = folder / READY
    ready.mkdir()
    if choice.needs_images:
        yield from _write_images(run, folder)
    if "report" in choice.formats and run.report is not None:
        (ready / REPORT).write_text(run.report.GetText(), encoding="utf-8")
    if "scene" in choice.formats:
        yield Step(0.9, _("Writing the scene"))
        _save_scene(ready / f"{out.name}.mrb")
    return choice.arguments(folder, out)


def _write_images(run: RunNodes, folder: Path) -> Steps[None]:
    yield from load_modules("NephroSynthLib.mrml.segmentation_nodes")
    from NephroSynthLib.mrml.segmentation_nodes import kidneys_writer
    from NephroSynthLib.mrml.volume_nodes import node_writer

    found = {
        "synthetic_nephrographic": run.synthetic,
        "excretory_registered": run.registered,
        "uncertainty": run.uncertainty,
        "kidneys": run.kidneys,
    }
    nodes = {name: node for name, node in found.items() if node is not None}
    for index, (name, node) in enumerate(nodes.items()):
        step = Step(0.9 * index / len(nodes), _("Writing {name}").format(name=node.GetName()))
        yield step
        path = folder / f"{name}.nrrd"
        writer = kidneys_writer(node, run.synthetic, path) if name == "kidneys" else node_writer(node, path)
        yield from in_background(writer, step)
    (folder / SUMMARY).write_text(json.dumps(run.summary, indent=2), encoding="utf-8")


def _publish(
    choice: ExportChoice, out: Path, on_warning: Callable[[str], None], on_log: Callable[[str], None]
) -> Steps[list[str]]:
    """Adds the DICOM files to the database. The files are written already, so a failure is only a warning."""
    if "dicom" in choice.formats and choice.add_to_database:
        yield Step(0.0, _("Adding the files to the DICOM database"))
        try:
            warnings = add_to_database(out / "dicom")
        except Exception as error:  # the database raises errors of many kinds
            warnings = [_("Slicer's DICOM database did not take the files.")]
            on_log(traceback_of(error))
        for text in warnings:
            on_warning(text)
    return sorted(path.name for path in out.iterdir())


def _save_scene(path: Path) -> None:
    """Saves the scene as a bundle, and keeps the path that Slicer proposes for the next save.

    `slicer.util.saveScene` would list the bundle under File > Recent, where it lies before it is moved.
    """
    if not slicer.mrmlScene.WriteToMRB(str(path), None) or not path.exists():
        raise ResourceError(_("The scene could not be saved."), Action.FREE_DISK_SPACE)
    slicer.mrmlScene.SetStorableNodesModifiedSinceRead()
