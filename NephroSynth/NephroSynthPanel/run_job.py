"""One run: inputs to files, the worker, results into the scene; it never blocks, and leaves nothing when ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, Cancelled, NephroSynthError, UsageError
from NephroSynthLib.jobs.conversation import Message
from NephroSynthLib.mrml import result_nodes as results
from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.segmentation_nodes import kidneys_writer
from NephroSynthLib.mrml.steps import LoadStep, Steps, in_background
from NephroSynthLib.mrml.volume_nodes import node_writer
from NephroSynthPanel.results import COMPUTED, ROLE, SYNTHETIC, RunNodes
from NephroSynthPanel.ticks import Ticks
from NephroSynthPanel.worker_process import WorkerProcess

WRITING = 0.5
"""The share of the stage 'read' that writing the inputs takes, and of 'save' that the worker takes to save."""


@dataclass(frozen=True)
class Request:
    """What a run is made from.

    Attributes:
        noncontrast, excretory, nephrographic, kidneys: Input nodes; the last two may be None.
        outputs: Nodes to overwrite.
        wanted: Names of `results.Outputs` to load.
        settings: As the library takes them, in JSON.
    """

    noncontrast: Any
    excretory: Any
    nephrographic: Any
    kidneys: Any
    outputs: results.Outputs
    wanted: frozenset[str]
    settings: dict[str, Any]


class RunJob:
    """Runs a request; ends in exactly one call of `on_end`, with the nodes or the error.

    Args:
        request: What to do.
        on_progress: Called with the stage, its fraction and what goes on.
        on_log: Called with each line for the log.
        on_end: Called when all is done and no temporary file is left.
        program: The worker's command line; Slicer's Python with the library's worker if None.
    """

    def __init__(
        self,
        request: Request,
        on_progress: Callable[[str, float, str], None],
        on_log: Callable[[str], None],
        on_end: Callable[[RunNodes | None, Exception | None], None],
        program: Sequence[str] | None = None,
    ) -> None:
        self._request, self._program = request, program
        self._on_progress, self._on_log, self._on_end = on_progress, on_log, on_end
        self._folder = Path(tempfile.mkdtemp(prefix="nephrosynth-", dir=slicer.app.temporaryPath))
        self._worker: WorkerProcess | None = None
        self._ticks: Ticks | None = Ticks(self._write_inputs(), self._writing, self._written)
        self._ended = False

    def cancel(self) -> None:
        """Ends the run within a second; the scene is as it was before."""
        if self._ticks is not None:
            self._ticks.stop()
            self._finish(None, Cancelled())
        elif self._worker is not None:
            self._worker.cancel()

    def end_now(self) -> None:
        """Ends the run before it returns; `on_end` is not called."""
        self._ended = True
        if self._ticks is not None:
            self._ticks.stop()
        if self._worker is not None:
            self._worker.end_now()
        self._remove()

    def _write_inputs(self) -> Steps[dict[str, Any]]:
        request = self._request
        phases = {"noncontrast": request.noncontrast, "excretory": request.excretory}
        if request.nephrographic is not None:
            phases["nephrographic"] = request.nephrographic
        arguments: dict[str, Any] = {"settings": request.settings, "images": "nrrd"}
        arguments["out"] = str(self._folder / "result")
        for index, (phase, node) in enumerate(phases.items()):
            step = LoadStep(WRITING * index / (len(phases) + 1), node.GetName())
            yield step
            path = self._folder / f"{phase}.nrrd"
            yield from in_background(node_writer(node, path), step)
            arguments[phase] = str(path)
        if request.kidneys is not None:
            step = LoadStep(WRITING * len(phases) / (len(phases) + 1), request.kidneys.GetName())
            yield step
            path = self._folder / "kidneys.nrrd"
            yield from in_background(kidneys_writer(request.kidneys, request.noncontrast, path), step)
            arguments["kidneys"] = str(path)
        return arguments

    def _writing(self, step: LoadStep) -> None:
        self._on_progress("read", step.fraction, step.message)

    def _written(self, arguments: dict[str, Any] | None, error: Exception | None) -> None:
        self._ticks = None
        if error is not None or arguments is None:
            self._finish(None, error)
            return
        self._worker = WorkerProcess(self._heard, self._on_log, self._worked)
        try:
            self._worker.start("run", arguments, self._program)
        except NephroSynthError as problem:
            self._finish(None, problem)

    def _heard(self, message: Message) -> None:
        if message["type"] != "progress":
            self._on_log(_("Warning: {text}").format(text=message.get("message")))
            return
        stage, fraction = str(message["stage"]), float(message["fraction"])
        if stage == "read":
            fraction = WRITING + (1 - WRITING) * fraction
        elif stage == "save":
            fraction *= WRITING
        self._on_progress(stage, fraction, str(message["message"]))

    def _worked(self, result: dict[str, Any] | None, error: NephroSynthError | None) -> None:
        self._worker = None
        if self._ended:
            return
        if error is not None:
            self._finish(None, error)
            return
        self._ticks = Ticks(self._load(), self._loading, self._loaded)

    def _load(self) -> Steps[RunNodes]:
        """Loads the results; whatever ends it before its end leaves the scene as it was."""
        request = self._request
        if request.noncontrast.GetScene() is None:
            raise UsageError(
                _("The non-contrast volume was removed during the run, so the result was not loaded."),
                Action.LOAD_AGAIN,
            )
        scene = request.noncontrast.GetScene()
        scene.SaveStateForUndo()
        given = {"Noncontrast": request.noncontrast, "Excretory": request.excretory}
        given |= {"Nephrographic": request.nephrographic, "Kidneys": request.kidneys}
        inputs = {role: node for role, node in given.items() if node is not None and node.GetScene()}
        loading = results.load_result(
            scene, self._folder / "result", request.noncontrast, _present(request.outputs), request.wanted, inputs
        )
        loaded = yield from loading
        return _run_of(scene, inputs, loaded)

    def _loading(self, step: Any) -> None:
        self._on_progress("save", WRITING + (1 - WRITING) * step.fraction, step.message)

    def _loaded(self, run: RunNodes | None, error: Exception | None) -> None:
        self._ticks = None
        self._finish(run, error)

    def _finish(self, run: RunNodes | None, error: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._remove()
            self._on_end(run, error)

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _present(outputs: results.Outputs) -> results.Outputs:
    """The nodes to overwrite without those that were removed during the run; for these new ones are made."""
    return results.Outputs(
        **{name: node if node is not None and node.GetScene() else None for name, node in vars(outputs).items()}
    )


def _run_of(scene: Any, inputs: dict[str, Any], loaded: results.LoadedResult) -> RunNodes:
    loaded.synthetic.SetAttribute(ROLE, SYNTHETIC)
    run = RunNodes(loaded.synthetic)
    for role in COMPUTED:  # from what was overwritten
        if getattr(run, role) is not None:
            scene.RemoveNode(getattr(run, role))
    nodes = {
        "noncontrast": inputs["Noncontrast"],
        "excretory": inputs.get("Excretory"),
        "registered": loaded.excretory,
        "acquired": loaded.acquired,
        "kidneys": loaded.kidneys,
        "transform": loaded.transform,
        "uncertainty": loaded.uncertainty,
        "report": _report(scene, loaded, run.report),
    }
    for role, node in nodes.items():
        run.remember(role, node)
    return run


def _report(scene: Any, loaded: results.LoadedResult, node: Any) -> Any:
    """The HTML report as a node, so that it stays with the scene; `node` is that of the run before, if there is one."""
    if loaded.report is None:
        return None
    if node is None:
        name = scene.GenerateUniqueName(_("{name} report").format(name=loaded.synthetic.GetName()))
        node = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
        place_beside(node, loaded.synthetic)
    node.SetText(loaded.report.read_text(encoding="utf-8"))
    node.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeAlways)
    return node
