"""The section of the panel that exports the current run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from NephroSynthLib.errors import Cancelled, UsageError
from NephroSynthLib.mrml.dicom_database import dicom_folder
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.session.task import State, Task, TaskListener
from NephroSynthPanel import installation, messages


class ExportSection:
    """Writes the results of the current run to files.

    Args:
        ui: The panel's widgets.
        logic: The module's logic, which exports.
        run: Gives the current run, or None if there is none.
        on_log: Called with lines for the log.
    """

    def __init__(self, ui: Any, logic: Any, run: Callable[[], RunNodes | None], on_log: Callable[[str], None]) -> None:
        self._ui, self._logic, self._run, self._on_log = ui, logic, run, on_log
        self._task: Task[list[str]] | None = None
        self._folder = Path()
        self._warnings: list[str] = []
        self._source_of = ""
        self._formats = {
            "nrrd": ui.exportNrrdCheckBox,
            "nifti": ui.exportNiftiCheckBox,
            "dicom": ui.exportDicomCheckBox,
            "report": ui.exportReportCheckBox,
            "scene": ui.exportSceneCheckBox,
        }
        ui.exportButton.connect("clicked()", self.export)
        ui.exportDicomCheckBox.connect("toggled(bool)", self._dicom_toggled)
        self._dicom_toggled(False)

    @property
    def running(self) -> bool:
        """Whether an export is in progress."""
        return self._task is not None

    def update(self) -> None:
        """Enables the widgets that apply to the current run."""
        run, ui = self._run(), self._ui
        ui.exportButton.enabled = run is not None and not self.running
        ui.exportReportCheckBox.enabled = run is not None and run.report is not None
        noncontrast = run.noncontrast if run is not None else None
        shown = noncontrast.GetID() if noncontrast is not None else ""
        if shown != self._source_of:  # the files of another patient must not stay chosen
            self._source_of = shown
            ui.dicomSourceEdit.currentPath = dicom_folder(noncontrast)

    def export(self) -> None:
        """Writes the chosen formats into a new folder."""
        if self.running:
            return
        try:
            installation.ensure_dependencies(self._ui)
            run = self._run()  # the installation takes minutes, and the scene may have been closed
            if run is None or self.running:
                return
            self._start(run)
        except Exception as error:  # the user sees every kind of error
            self._show_error(error)
        self.update()

    def end_now(self) -> None:
        """Ends the export before this method returns. The folder stays if it was complete."""
        if self._task is not None:
            self._task.end_now()

    def _start(self, run: RunNodes) -> None:
        ui = self._ui
        self._warnings = []
        self._say(_("Exporting…"))
        listener = TaskListener(
            on_end=self._ended,
            on_progress=lambda state, event: self._say(event.message),
            on_warning=self._warn,
            on_log=self._on_log,
        )
        self._task, self._folder = self._logic.export(
            run,
            ui.exportFolderEdit.currentPath,
            [name for name, box in self._formats.items() if box.checked],
            ui.dicomSourceEdit.currentPath,
            ui.deidentifyCheckBox.checked,
            ui.databaseCheckBox.checked,
            wait=False,
            listener=listener,
        )
        if self._task.state is State.ENDED:
            self._task = None
        ui.exportFolderEdit.addCurrentPathToHistory()

    def _dicom_toggled(self, on: bool) -> None:
        ui = self._ui
        for widget in (ui.sourceLabel, ui.dicomSourceEdit, ui.deidentifyCheckBox, ui.databaseCheckBox):
            widget.enabled = on

    def _warn(self, text: str) -> None:
        self._warnings.append(_("Warning: {text}").format(text=text))
        self._on_log(self._warnings[-1])

    def _ended(self, written: list[str] | None, error: Exception | None) -> None:
        self._task = None
        if written is not None:
            text = _("Written to {folder}: {names}").format(folder=self._folder, names=", ".join(written))
            self._say("\n".join([text, *self._warnings]))
        elif isinstance(error, Cancelled):
            ended = _("The export was ended.")
            self._say(_("Written to {folder}.").format(folder=self._folder) if self._folder.exists() else ended)
        else:
            self._show_error(error or UsageError(_("Nothing was written.")))
        self.update()

    def _show_error(self, error: Exception) -> None:
        self._say(messages.in_words(error))
        self._on_log(messages.details(error))

    def _say(self, text: str) -> None:
        self._ui.exportLabel.text = text
