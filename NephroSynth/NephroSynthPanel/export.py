"""The section for the export."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, UsageError
from NephroSynthPanel import install, messages
from NephroSynthPanel.dicom_files import dicom_series, dicom_source
from NephroSynthPanel.export_job import Choice, ExportJob
from NephroSynthPanel.results import RunNodes


class ExportSection:
    """Writes the results of the run that is looked at.

    Args:
        ui: The panel's widgets.
        run: Gives that run; None if there is none.
        on_log: Called with lines for the log.
    """

    def __init__(self, ui: Any, run: Callable[[], RunNodes | None], on_log: Callable[[str], None]) -> None:
        self._ui, self._run, self._on_log = ui, run, on_log
        self._job: ExportJob | None = None
        self._source_of = ""
        ui.exportButton.connect("clicked()", self.export)
        ui.exportDicomCheckBox.connect("toggled(bool)", self._dicom_toggled)
        self._dicom_toggled(False)

    @property
    def running(self) -> bool:
        """Whether an export goes on."""
        return self._job is not None

    def update(self) -> None:
        """Lets press what makes sense for the run that is looked at."""
        run, ui = self._run(), self._ui
        ui.exportButton.enabled = run is not None and not self.running
        ui.exportReportCheckBox.enabled = run is not None and run.report is not None
        noncontrast = run.noncontrast if run is not None else None
        shown = noncontrast.GetID() if noncontrast is not None else ""
        if shown != self._source_of:  # another patient's files must not stay chosen
            self._source_of = shown
            ui.dicomSourceEdit.currentPath = dicom_source(noncontrast)

    def export(self) -> None:
        """Writes the chosen formats into a new folder."""
        if self.running:
            return
        try:
            install.ensure_dependencies(self._ui)
            run = self._run()  # an installation takes minutes, in which all may have changed
            if run is None or self.running:
                return
            choice = self._choice(run)
        except Exception as error:  # whatever it is, the user sees it
            self._ended(None, error)
            return
        self._say(_("Exporting…"))
        self._job = ExportJob(run, choice, self._say, self._on_log, self._ended)
        self.update()

    def end_now(self) -> None:
        """Ends the export; nothing appears but what is written already."""
        if self._job is not None:
            job, self._job = self._job, None
            job.end_now()
            ended = _("The export was ended.")
            self._say(_("Written to {folder}.").format(folder=job.folder) if job.written else ended)
            self.update()

    def _choice(self, run: RunNodes) -> Choice:
        ui = self._ui
        if not ui.exportFolderEdit.currentPath:
            raise UsageError(_("No folder is chosen."), Action.CHOOSE_FOLDER)
        boxes = (
            ui.exportNrrdCheckBox,
            ui.exportNiftiCheckBox,
            ui.exportDicomCheckBox,
            ui.exportReportCheckBox,
            ui.exportSceneCheckBox,
        )
        if not any(box.checked for box in boxes):
            raise UsageError(_("No format is chosen."), Action.CHOOSE_FORMAT)
        if ui.exportDicomCheckBox.checked and not ui.dicomSourceEdit.currentPath:
            raise UsageError(
                _("The DICOM source is not known: the non-contrast phase was not loaded from DICOM."),
                Action.GIVE_SOURCE,
            )
        ui.exportFolderEdit.addCurrentPathToHistory()
        return Choice(
            free_folder(Path(ui.exportFolderEdit.currentPath), run.synthetic.GetName()),
            nrrd=ui.exportNrrdCheckBox.checked,
            nifti=ui.exportNiftiCheckBox.checked,
            dicom=ui.exportDicomCheckBox.checked,
            report=ui.exportReportCheckBox.checked,
            scene=ui.exportSceneCheckBox.checked,
            dicom_source=ui.dicomSourceEdit.currentPath,
            dicom_series=dicom_series(run.noncontrast, ui.dicomSourceEdit.currentPath),
            dicom_excretory=dicom_source(run.excretory),
            dicom_excretory_series=dicom_series(run.excretory, dicom_source(run.excretory)),
            deidentify=ui.deidentifyCheckBox.checked,
            add_to_database=ui.databaseCheckBox.checked,
        )

    def _dicom_toggled(self, on: bool) -> None:
        ui = self._ui
        for widget in (ui.sourceLabel, ui.dicomSourceEdit, ui.deidentifyCheckBox, ui.databaseCheckBox):
            widget.enabled = on

    def _ended(self, written: list[str] | None, error: Exception | None) -> None:
        folder = self._job.folder if self._job is not None else None
        warnings = self._job.warnings if self._job is not None else []
        self._job = None
        if error is not None or written is None:
            problem = error or UsageError(_("Nothing was written."))
            self._say(messages.in_words(problem))
            self._on_log(messages.details(problem))
        else:
            text = _("Written to {folder}: {names}").format(folder=folder, names=", ".join(written))
            self._say("\n".join([text, *warnings]))
        self.update()

    def _say(self, text: str) -> None:
        self._ui.exportLabel.text = text


def free_folder(parent: Path, name: str) -> Path:
    """A folder in `parent`, named after a node, that does not exist yet."""
    plain = re.sub(r"[^\w\- ]+", "_", name).strip() or "NephroSynth"
    folder, count = parent / plain, 1
    while folder.exists():
        count += 1
        folder = parent / f"{plain} {count}"
    return folder
