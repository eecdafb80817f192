"""The section of the panel for many exams: a table of them, a run through all, and the loading of a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import Cancelled, UsageError
from NephroSynthLib.mrml.dicom_database import study_folders
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.session.exam_batch import BatchListener, ExamBatch, ExamRow, ExamState
from NephroSynthLib.session.task import State, Task, TaskListener
from NephroSynthPanel import installation, messages
from NephroSynthPanel.parameters import Parameters, settings

MANIFEST = "exams.csv"
"""The name of the manifest of the exams that were found, in the folder of the results."""


class BatchSection:
    """Runs the exams of a manifest or of DICOM files one after the other.

    Args:
        ui: The panel's widgets.
        logic: The module's logic, which loads results.
        parameters: Gives the present parameter node.
        on_result: Called with the nodes of a result that was loaded.
        on_log: Called with lines for the log.
    """

    def __init__(
        self,
        ui: Any,
        logic: Any,
        parameters: Callable[[], Parameters | None],
        on_result: Callable[[RunNodes], None],
        on_log: Callable[[str], None],
    ) -> None:
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._on_result, self._on_log = on_result, on_log
        self._loading: Task[RunNodes] | None = None
        listener = BatchListener(self._show_rows, self._show_progress, self._ended, on_log)
        self.batch = ExamBatch(logic.loop, Path(slicer.app.temporaryPath), listener)
        ui.batchListButton.connect("clicked()", lambda: self._do(self._list))
        ui.batchDatabaseButton.connect("clicked()", lambda: self._do(self._search_database))
        ui.batchRunButton.connect("clicked()", lambda: self._do(self._run))
        ui.batchCancelButton.connect("clicked()", self.cancel)
        ui.batchLoadButton.connect("clicked()", lambda: self._do(self._load))
        ui.batchTable.connect("itemSelectionChanged()", self.update)
        self.update()

    @property
    def busy(self) -> bool:
        """Whether exams are found, run or loaded."""
        return self.batch.busy or self._loading is not None

    def update(self) -> None:
        """Enables the buttons that apply."""
        ui, rows = self._ui, self.batch.rows
        for button in (ui.batchListButton, ui.batchDatabaseButton):
            button.enabled = not self.busy
        ui.batchRunButton.enabled = not self.busy and any(row.state is not ExamState.DONE for row in rows)
        ui.batchCancelButton.enabled = self.busy
        chosen = self._chosen()
        ui.batchLoadButton.enabled = not self.busy and chosen is not None and chosen.state is ExamState.DONE
        ui.batchBar.visible = self.busy

    def cancel(self) -> None:
        """Ends the present work. Exams that are done stay."""
        self.batch.cancel()
        if self._loading is not None:
            self._loading.cancel()

    def end_now(self) -> None:
        """Ends all work before this method returns."""
        self.batch.end_now()
        if self._loading is not None:
            self._loading.end_now()

    def _do(self, action: Callable[[Parameters], None]) -> None:
        """Calls an action, unless work is in progress, and shows its error."""
        parameters = self._parameters()
        if self.busy or parameters is None:
            return
        try:
            installation.ensure_dependencies(self._ui)
            action(parameters)
        except Exception as error:  # the user sees every kind of error
            self._show_error(error)
        self.update()

    def _list(self, parameters: Parameters) -> None:
        source, out = self._ui.batchSourceEdit.currentPath, self._results()
        if not source:
            raise UsageError(_("Choose a manifest or a folder with DICOM files."))
        shared = settings(parameters, of_patient=False)
        if Path(source).is_file() and Path(source).suffix.lower() in (".csv", ".tsv", ".txt"):
            self.batch.read(Path(source), out, shared)
        else:
            self.batch.find([Path(source)], out / MANIFEST, out, shared)

    def _search_database(self, parameters: Parameters) -> None:
        out = self._results()
        self.batch.find(study_folders(), out / MANIFEST, out, settings(parameters, of_patient=False))

    def _run(self, parameters: Parameters) -> None:
        self.batch.run(settings(parameters, of_patient=False))

    def _results(self) -> Path:
        folder = self._ui.batchFolderEdit.currentPath
        if not folder:
            raise UsageError(_("Choose a folder for the results."))
        return Path(folder).absolute()

    def _chosen(self) -> ExamRow | None:
        index = self._ui.batchTable.currentRow()
        return self.batch.rows[index] if 0 <= index < len(self.batch.rows) else None

    def _load(self, parameters: Parameters) -> None:
        row = self._chosen()
        if row is None:
            return
        listener: TaskListener[RunNodes] = TaskListener(
            on_end=self._loaded,
            on_progress=lambda state, event: self._show_progress(event.message, event.fraction),
            on_log=self._on_log,
        )
        self._loading = self._logic.load_exam(self.batch, row, wait=False, listener=listener)
        if self._loading is not None and self._loading.state is State.ENDED:
            self._loading = None

    def _loaded(self, run: RunNodes | None, error: Exception | None) -> None:
        self._loading = None
        self._ended(error)
        if run is not None:
            self._on_result(run)

    def _ended(self, error: Exception | None) -> None:
        if isinstance(error, Cancelled):
            self._say(_("Cancelled. Exams that are done stay."))
        elif error is not None:
            self._show_error(error)
        else:
            done = sum(row.state is ExamState.DONE for row in self.batch.rows)
            self._say(_("{done} of {count} exams have a result.").format(done=done, count=len(self.batch.rows)))
        self.update()

    def _show_rows(self) -> None:
        table = self._ui.batchTable
        table.setRowCount(len(self.batch.rows))
        for index, row in enumerate(self.batch.rows):
            for column, text in enumerate((row.name, _states()[row.state], verdict(row))):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(index, column, item)
        self.update()

    def _show_progress(self, message: str, fraction: float) -> None:
        self._ui.batchBar.value = round(1000 * fraction)
        self._say(message)

    def _show_error(self, error: Exception) -> None:
        self._say(messages.in_words(error))
        self._on_log(messages.details(error))

    def _say(self, text: str) -> None:
        self._ui.batchLabel.text = text


def verdict(row: ExamRow) -> str:
    """The verdict on an exam, or the reason why there is none."""
    if row.passed is None:
        return row.reason
    return _("Registration passed") if row.passed else _("Look closely at the registration")


def _states() -> dict[ExamState, str]:
    return {
        ExamState.WAITING: _("Waiting"),
        ExamState.RUNNING: _("Running"),
        ExamState.DONE: _("Done"),
        ExamState.FAILED: _("Failed"),
    }
