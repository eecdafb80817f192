"""DICOM in the panel: the source of a volume, the export of a run, and Slicer's database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from gui_exam import small_image
from playing import choose, run


def test_an_exported_series_joins_the_study_of_its_source_in_the_database(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import slicer
    from DICOMLib import DICOMUtils

    from NephroSynthLib.dicom.simulated_study import write_simulated_study

    images = {"noncontrast": small_image(40.0, 30.0), "excretory": small_image(40.0, 120.0)}
    write_simulated_study(images, tmp_path / "source", seed=1)
    DICOMUtils.importDicom(str(tmp_path / "source"))
    database = slicer.app.dicomDatabase()
    [patient] = database.patients()
    [study] = database.studiesForPatient(patient)
    sources = database.seriesForStudy(study)
    for series in sources:
        instances = database.instancesForSeries(series)
        phase = Path(database.fileForInstance(instances[0])).parent.name
        exam_nodes[phase].SetAttribute("DICOM.instanceUIDs", " ".join(instances))
    choose(widget, **exam_nodes)
    run(host, widget, result_folder)

    ui = widget.ui
    ui.exportSection.collapsed = False
    host.process_events()
    ui.exportFolderEdit.currentPath = str(tmp_path / "out")
    for box in (ui.exportDicomCheckBox, ui.databaseCheckBox):
        box.checked = True
    assert Path(ui.dicomSourceEdit.currentPath) == tmp_path / "source" / "noncontrast"
    host.click(ui.exportButton)
    host.wait_until(lambda: not widget.panel.export.running, 120.0)
    assert "Written to" in ui.exportLabel.text, ui.exportLabel.text
    new = set(database.seriesForStudy(study)) - set(sources)
    descriptions = {database.descriptionForSeries(series) for series in new}
    assert len(new) == 2  # the synthetic phase and its kidneys
    assert any("SYNTHETIC" in one.upper() for one in descriptions), descriptions
    [synthetic] = [series for series in new if "SYNTHETIC" in database.descriptionForSeries(series).upper()]
    slice_file = database.fileForInstance(database.instancesForSeries(synthetic)[0])
    referenced = pydicom.dcmread(slice_file).ReferencedSeriesSequence
    assert {str(one.SeriesInstanceUID) for one in referenced} == set(sources)


@pytest.fixture
def dicom_export(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> Callable[[], str]:
    """Exports a run as DICOM into a folder and the database, and gives what the panel says then."""
    from NephroSynthLib.dicom.simulated_study import write_simulated_study

    write_simulated_study({"noncontrast": small_image(40.0, 30.0)}, tmp_path / "source", seed=1)
    choose(widget, **exam_nodes)
    run(host, widget, result_folder)
    ui = widget.ui
    ui.exportFolderEdit.currentPath = str(tmp_path / "out")
    ui.dicomSourceEdit.currentPath = str(tmp_path / "source" / "noncontrast")
    for box in (ui.exportNrrdCheckBox, ui.exportNiftiCheckBox, ui.exportReportCheckBox, ui.exportSceneCheckBox):
        box.checked = False
    for box in (ui.exportDicomCheckBox, ui.databaseCheckBox):
        box.checked = True

    def export() -> str:
        widget.panel.export.export()
        host.wait_until(lambda: not widget.panel.export.running, 120.0)
        assert list((tmp_path / "out").rglob("*.dcm"))
        return str(ui.exportLabel.text)

    return export


def test_a_scene_that_is_closed_during_the_import_leaves_the_files_and_says_where(
    dicom_export: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import slicer
    from DICOMLib import DICOMUtils

    def with_events(folder: str, database: Any) -> bool:  # the indexer lets the event loop run while it waits
        slicer.mrmlScene.Clear(0)
        return True

    monkeypatch.setattr(DICOMUtils, "importDicom", with_events)
    said = dicom_export()
    assert said.startswith(f"Written to {tmp_path / 'out'}")
    assert "None" not in said


def test_the_delay_of_the_excretory_phase_is_the_users_or_that_of_its_header(
    host: Any, widget: Any, exam_nodes: dict[str, Any], tmp_path: Path
) -> None:
    from NephroSynthPanel.parameters import run_order
    from steps_at_once import finish

    from NephroSynthLib.dicom.simulated_study import write_simulated_study
    from NephroSynthLib.mrml.dicom_database import DICOM_FOLDER
    from NephroSynthLib.mrml.run_plan import run_plan

    choose(widget, **exam_nodes)
    parameters = widget.panel.parameters()

    def delay() -> Any:
        arguments = finish(run_plan(run_order(parameters)).write(tmp_path))
        return arguments["settings"]["synthesis"]["excretory_delay_s"]

    assert delay() is None
    write_simulated_study({"excretory": small_image(40.0, 120.0)}, tmp_path, seed=1, delays_s={"excretory": 480.0})
    exam_nodes["excretory"].SetAttribute(DICOM_FOLDER, str(tmp_path / "excretory"))
    assert delay() == 480.0
    widget.ui.excretoryDelaySpinBox.value = 720
    host.process_events()
    assert delay() == 720
    widget.ui.excretoryDelaySpinBox.value = 0
    host.process_events()
    assert widget.ui.excretoryDelaySpinBox.text == "from DICOM, if known"
    assert delay() == 480.0
    for path in (tmp_path / "excretory").iterdir():
        path.write_bytes(b"no DICOM")
    assert delay() is None


def test_the_dicom_folder_of_one_patient_does_not_stay_chosen_for_the_next(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import slicer

    from NephroSynthLib.mrml.dicom_database import DICOM_FOLDER
    from NephroSynthLib.mrml.volume_nodes import node_from_image

    exam_nodes["noncontrast"].SetAttribute(DICOM_FOLDER, str(tmp_path))
    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    assert widget.ui.dicomSourceEdit.currentPath == str(tmp_path)
    other = node_from_image(slicer.mrmlScene, small_image(40.0, 30.0), "Another patient")
    choose(widget, noncontrast=other)
    second = run(host, widget, result_folder)
    assert widget.ui.dicomSourceEdit.currentPath == ""
    assert second.synthetic is not first.synthetic  # nor does the other patient's volume get these voxels
    assert second.synthetic.GetAttribute("NephroSynth.Input.Noncontrast") == "Another patient"
    assert first.noncontrast is exam_nodes["noncontrast"]
    slicer.mrmlScene.Clear(0)
    host.process_events()
    assert widget.ui.dicomSourceEdit.currentPath == ""
    assert "no result" in widget.ui.verdictLabel.text
    assert not widget.ui.exportButton.enabled
