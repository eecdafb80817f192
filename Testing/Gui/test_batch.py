"""Many exams in the panel: their table, a run through them, and a result that is loaded on demand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def manifest(tmp_path: Path, sample_folder: Path) -> Path:
    """Two exams; a file of the second is missing."""
    phases = [f"{sample_folder / phase}.nrrd" for phase in ("noncontrast", "excretory", "nephrographic")]
    lines = ["exam,noncontrast,excretory,nephrographic,weight", ",".join(["first", *phases, "70"])]
    lines.append(",".join(["second", str(tmp_path / "missing.nrrd"), *phases[1:], ""]))
    file = tmp_path / "exams.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.fixture
def batch(host: Any, widget: Any, played_worker: tuple[str, ...], manifest: Path, tmp_path: Path) -> Any:
    """The section, open, with a manifest and a folder chosen."""
    widget.panel.loop.worker_command = lambda: played_worker
    ui = widget.ui
    ui.inputsSection.collapsed = True
    ui.batchSection.collapsed = False
    ui.batchSourceEdit.currentPath = str(manifest)
    ui.batchFolderEdit.currentPath = str(tmp_path / "results")
    host.process_events()
    yield widget.panel.batch
    widget.panel.batch.end_now()
    widget.panel.batch.batch.rows = []
    widget.panel.batch.update()
    ui.batchSection.collapsed = True


def cells(ui: Any) -> list[list[str]]:
    table = ui.batchTable
    return [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)]


def test_exams_are_listed_run_and_loaded(host: Any, widget: Any, batch: Any, tmp_path: Path) -> None:
    ui = widget.ui
    host.click(ui.batchListButton)
    host.wait_until(lambda: not batch.busy)
    assert cells(ui) == [["first", "Waiting", ""], ["second", "Waiting", ""]]
    assert not ui.batchLoadButton.enabled

    host.click(ui.batchRunButton)
    host.wait_until(lambda: batch.busy and "Running" in cells(ui)[0])
    assert ui.batchCancelButton.enabled
    assert not ui.batchRunButton.enabled
    host.wait_until(lambda: not batch.busy)
    first, second = cells(ui)
    assert first == ["first", "Done", "Registration passed"]
    assert second[1] == "Failed"
    assert second[2]
    assert ui.batchLabel.text == "1 of 2 exams have a result."
    assert (tmp_path / "results" / "exams" / "first" / "result.json").is_file()

    ui.batchTable.selectRow(0)
    host.click(ui.batchLoadButton)
    host.wait_until(lambda: not batch.busy)
    run = widget.panel.current_run()
    assert run.noncontrast.GetName() == "first NC"
    assert len(run.aligned) == 4
    assert not ui.errorWidget.visible, ui.errorLabel.text


def test_a_batch_can_be_cancelled_and_needs_its_folders(host: Any, widget: Any, batch: Any, manifest: Path) -> None:
    ui = widget.ui
    host.click(ui.batchListButton)
    host.wait_until(lambda: not batch.busy)
    host.click(ui.batchRunButton)
    host.wait_until(lambda: "Running" in cells(ui)[0])
    host.click(ui.batchCancelButton)
    host.wait_until(lambda: not batch.busy)
    assert [row[1] for row in cells(ui)] == ["Waiting", "Waiting"]
    assert "Cancelled" in ui.batchLabel.text
    ui.batchFolderEdit.currentPath = ""
    host.click(ui.batchListButton)
    assert "folder for the results" in ui.batchLabel.text
    host.click(ui.batchDatabaseButton)
    assert "folder for the results" in ui.batchLabel.text


def test_an_empty_dicom_database_is_told(host: Any, widget: Any, batch: Any) -> None:
    host.click(widget.ui.batchDatabaseButton)
    assert "DICOM database is empty" in widget.ui.batchLabel.text
