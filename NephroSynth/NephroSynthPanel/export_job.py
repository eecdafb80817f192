"""Writes the results of a run to files, a step in each turn of the event loop; what takes long is the worker's."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, NephroSynthError, ResourceError
from NephroSynthLib.files.outputs import READY, REPORT, SUMMARY
from NephroSynthLib.jobs.conversation import Message
from NephroSynthLib.mrml.segmentation_nodes import kidneys_writer
from NephroSynthLib.mrml.steps import in_background
from NephroSynthLib.mrml.volume_nodes import node_writer
from NephroSynthPanel import messages
from NephroSynthPanel.dicom_files import add_to_database
from NephroSynthPanel.results import RunNodes
from NephroSynthPanel.ticks import Ticks
from NephroSynthPanel.worker_process import WorkerProcess


@dataclass(frozen=True)
class Choice:
    """What to export.

    Attributes:
        folder: It is made; it must not exist.
        dicom_source: Folder with the DICOM files of the non-contrast series; used with `dicom` only.
        dicom_series: That series' UID; empty where it is not known.
        dicom_excretory, dicom_excretory_series: The same of the excretory series.
    """

    folder: Path
    nrrd: bool
    nifti: bool
    dicom: bool
    report: bool
    scene: bool
    dicom_source: str
    dicom_series: str
    dicom_excretory: str
    dicom_excretory_series: str
    deidentify: bool
    add_to_database: bool


class ExportJob:
    """Exports a run; everything or nothing appears in the folder.

    Args:
        run: Whose results.
        choice: What, and where to.
        on_progress: Called with what goes on.
        on_log: Called with lines for the log.
        on_end: Called once with the names of what was written and None, or with None and the error.
    """

    def __init__(
        self,
        run: RunNodes,
        choice: Choice,
        on_progress: Callable[[str], None],
        on_log: Callable[[str], None],
        on_end: Callable[[list[str] | None, Exception | None], None],
    ) -> None:
        self._run, self._choice, self._on_progress, self._on_log = run, choice, on_progress, on_log
        self._on_end = on_end
        self.warnings: list[str] = []
        self._ended = False
        self._worker: WorkerProcess | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="nephrosynth-", dir=slicer.app.temporaryPath))
        self._ticks: Ticks | None = Ticks(self._write(), on_progress, self._prepared)

    @property
    def folder(self) -> Path:
        """Where the export goes."""
        return self._choice.folder

    @property
    def written(self) -> bool:
        """Whether all is in the folder, which appears whole; only the DICOM database may not know it yet."""
        return self.folder.exists()

    def end_now(self) -> None:
        """Ends the export, without a call of `on_end`; nothing appears but what is `written` already."""
        self._ended = True
        if self._ticks is not None:
            self._ticks.stop()
        if self._worker is not None:
            self._worker.end_now()
        self._remove()

    def _write(self) -> Iterator[str]:
        run, choice, ready = self._run, self._choice, self._folder / READY
        ready.mkdir()
        if choice.nrrd or choice.nifti or choice.dicom:
            yield from self._write_images()
        if choice.report and run.report is not None:
            (ready / REPORT).write_text(run.report.GetText(), encoding="utf-8")
        if choice.scene:
            yield _("Writing the scene")
            _save_scene(ready / f"{choice.folder.name}.mrb")

    def _write_images(self) -> Iterator[str]:
        run, folder = self._run, self._folder
        for name, node in _volumes(run).items():
            step = _("Writing {name}").format(name=node.GetName())
            yield step
            yield from in_background(node_writer(node, folder / f"{name}.nrrd"), step)
        if run.kidneys is not None:
            step = _("Writing {name}").format(name=run.kidneys.GetName())
            yield step
            yield from in_background(kidneys_writer(run.kidneys, run.synthetic, folder / "kidneys.nrrd"), step)
        (folder / SUMMARY).write_text(json.dumps(run.summary, indent=2), encoding="utf-8")

    def _prepared(self, nothing: None, error: Exception | None) -> None:
        self._ticks = None
        if error is not None:
            self._finish(error)
            return
        self._worker = WorkerProcess(self._heard, self._on_log, self._worked)
        choice = self._choice
        arguments = {
            "source": str(self._folder),
            "out": str(choice.folder.absolute()),
            "nrrd": choice.nrrd,
            "nifti": choice.nifti,
            "dicom_source": choice.dicom_source if choice.dicom else None,
            "dicom_series": choice.dicom_series or None,
            "dicom_excretory": choice.dicom_excretory or None,
            "dicom_excretory_series": choice.dicom_excretory_series or None,
            "deidentify": choice.deidentify,
        }
        try:
            self._worker.start("export-result", arguments)
        except NephroSynthError as problem:
            self._finish(problem)

    def _heard(self, message: Message) -> None:
        if message["type"] == "progress":
            self._on_progress(str(message["message"]))
        else:
            self.warnings.append(_("Warning: {text}").format(text=message.get("message")))
            self._on_log(self.warnings[-1])

    def _worked(self, result: dict[str, Any] | None, error: Exception | None) -> None:
        self._worker = None
        if error is not None:
            if not self.written:
                self._finish(error)
                return
            self._on_log(messages.details(error))
        try:
            if self._choice.dicom and self._choice.add_to_database:
                self.warnings += add_to_database(self._choice.folder / "dicom")
        except Exception as problem:  # the files are written, whatever it is
            self.warnings.append(_("Slicer's DICOM database did not take the files."))
            self._on_log(messages.details(problem))
        self._finish(None)

    def _finish(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._remove()
        if error is not None:
            self._on_end(None, error)
        else:
            self._on_end(sorted(path.name for path in self._choice.folder.iterdir()), None)

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _save_scene(path: Path) -> None:
    """Saves the scene as a bundle; where the user saves it next time stays as it was."""
    scene = slicer.mrmlScene
    url, folder = scene.GetURL(), scene.GetRootDirectory()
    try:
        if not slicer.util.saveScene(str(path)) or not path.exists():
            raise ResourceError(_("The scene could not be saved."), Action.FREE_DISK_SPACE)
    finally:
        scene.SetURL(url)
        scene.SetRootDirectory(folder)


def _volumes(run: RunNodes) -> dict[str, Any]:
    found = {
        "synthetic_nephrographic": run.synthetic,
        "excretory_registered": run.registered,
        "uncertainty": run.uncertainty,
    }
    return {name: node for name, node in found.items() if node is not None}
