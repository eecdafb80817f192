"""What the panel looks like to hand and eye, and what it does with the inputs of users."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydicom
import pytest
from gui_exam import ROOT, small_image, small_labels
from gui_workers import giving, program

UI = ROOT / "NephroSynth" / "Resources" / "UI" / "NephroSynth.ui"
INTERACTIVE = (
    "QPushButton",
    "QToolButton",
    "QCheckBox",
    "QComboBox",
    "QSpinBox",
    "QDoubleSpinBox",
    "QPlainTextEdit",
    "QProgressBar",
    "ctkCollapsibleButton",
    "ctkPathLineEdit",
    "ctkSliderWidget",
    "qMRMLNodeComboBox",
    "qMRMLTableView",
)


def designed(*classes: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.parse(UI).iter("widget") if one.get("class") in classes]


def text_of(element: ElementTree.Element, name: str) -> str:
    found = element.find(f"property[@name='{name}']")
    return "" if found is None else "".join(found.itertext()).strip()


def test_everything_that_can_be_used_has_a_tooltip() -> None:
    assert [one.get("name") for one in designed(*INTERACTIVE) if len(text_of(one, "toolTip")) < 5] == []


def test_no_letter_is_taken_twice_within_a_section() -> None:
    sections = designed("ctkCollapsibleButton") + [one for one in designed("QWidget") if one.get("name") == "runWidget"]
    for section in sections:
        texts = [text_of(one, "text") for one in section.iter("widget")]
        letters = [letter.lower() for text in texts for letter in re.findall(r"&(\w)", text)]
        assert len(letters) == len(set(letters)), (section.get("name"), sorted(letters))


def test_the_tab_key_reaches_everything() -> None:
    reached = [one.text for one in ElementTree.parse(UI).iter("tabstop")]
    wanted = [one.get("name") for one in designed(*INTERACTIVE) if one.get("class") != "QProgressBar"]
    assert reached == wanted


def test_nothing_is_styled() -> None:
    assert not list(ElementTree.parse(UI).getroot().iterfind(".//property[@name='styleSheet']"))


def test_the_panel_says_what_it_is_for(widget: Any) -> None:
    assert "Research use only" in widget.ui.noticeLabel.text
    assert "trained on simulated exams" in widget.ui.noticeLabel.text


def test_requirements_are_those_of_the_package() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python before 3.11 reads no TOML")

    def plain(line: str) -> str:
        return line.split("#")[0].strip()

    listed = {plain(line) for line in (ROOT / "NephroSynth/Resources/requirements.txt").read_text().splitlines()} - {""}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["dicom"]}
    from_slicer = ("numpy", "scipy", "SimpleITK", "torch")
    of_the_terminal = ("typer", "rich", "pynetdicom")
    left_out = tuple(f"{name}>=" for name in (*from_slicer, *of_the_terminal))
    assert listed == {one for one in declared if not one.startswith(left_out)}


def test_apply_says_what_is_missing(host: Any, widget: Any, exam_nodes: dict[str, Any]) -> None:
    ui = widget.ui
    assert not ui.applyButton.enabled
    assert "non-contrast" in ui.statusLabel.text
    ui.noncontrastSelector.setCurrentNode(exam_nodes["noncontrast"])
    assert "excretory" in ui.statusLabel.text
    ui.excretorySelector.setCurrentNode(exam_nodes["noncontrast"])
    assert "different volume" in ui.statusLabel.text
    ui.excretorySelector.setCurrentNode(exam_nodes["excretory"])
    assert ui.applyButton.enabled
    ui.syntheticSelector.setCurrentNode(exam_nodes["excretory"])
    assert "outputs that are not inputs" in ui.statusLabel.text


def choose(widget: Any, **nodes: Any) -> None:
    for name, node in nodes.items():
        getattr(widget.ui, f"{name}Selector").setCurrentNode(node)


def run(host: Any, widget: Any, folder: Path) -> Any:
    widget.panel.run.start(widget.panel.parameters(), program(giving(str(folder))))
    host.wait_until(lambda: not widget.panel.run.running, 60.0)
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    return widget.panel.current_run()


def test_several_runs_live_in_one_scene(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    choose(widget, synthetic=None, excretoryOutput=None, kidneysOutput=None, transformOutput=None)
    second = run(host, widget, result_folder)
    assert first.synthetic is not second.synthetic
    assert first.kidneys is not second.kidneys
    widget.ui.resultSelector.setCurrentNode(first.synthetic)
    host.process_events()
    assert widget.panel.current_run().synthetic is first.synthetic


def test_a_second_run_overwrites_what_is_chosen(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    second = run(host, widget, result_folder)
    assert second.synthetic is first.synthetic
    assert second.registered is first.registered


def test_all_works_without_an_acquired_phase(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import json
    import shutil

    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    (folder / "acquired_registered.nrrd").unlink()
    summary = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**summary, "metrics": None}))
    choose(widget, noncontrast=exam_nodes["noncontrast"], excretory=exam_nodes["excretory"])
    found = run(host, widget, folder)
    assert found.acquired is None
    widget.ui.comparisonSection.collapsed = False
    host.process_events()
    for name in ("sideBySide", "twoByTwo", "threePlanes", "difference", "histogram", "kidneyHU", "restoreLayout"):
        host.click(getattr(widget.ui, f"{name}Button"))
        assert not widget.ui.errorWidget.visible, f"{name}: {widget.ui.errorLabel.text}"
    assert not widget.ui.metricsTableView.visible
    assert "no acquired phase" in widget.ui.metricsLabel.text


def test_difference_and_uncertainty_are_painted_with_a_legend_until_something_else_is_shown(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import shutil

    import SimpleITK as sitk

    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    sitk.WriteImage(sitk.Cast(small_labels() > 0, sitk.sitkFloat32) * 12, str(folder / "uncertainty.nrrd"))
    choose(widget, **exam_nodes)
    widget.ui.wantUncertaintyCheckBox.checked = True
    found = run(host, widget, folder)
    widget.ui.comparisonSection.collapsed = False
    host.process_events()

    host.click(widget.ui.differenceButton)
    assert legends(host, found.difference) == {"NephroSynth2Axial"}
    host.click(widget.ui.uncertaintyButton)
    assert not widget.ui.differenceButton.checked
    assert legends(host, found.difference) == set()
    assert legends(host, found.uncertainty) == {"Red", "Green", "Yellow"}
    host.click(widget.ui.twoByTwoButton)
    assert not widget.ui.uncertaintyButton.checked
    assert legends(host, found.uncertainty) == set()
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text


@pytest.fixture
def compared(host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path) -> Any:
    """A run, with the section for the comparison open."""
    choose(widget, **exam_nodes)
    found = run(host, widget, result_folder)
    widget.ui.checkSection.collapsed = True
    widget.ui.comparisonSection.collapsed = False
    host.process_events()
    return found


def test_slice_and_zoom_stay_where_the_user_has_brought_them(host: Any, widget: Any, compared: Any) -> None:
    import slicer

    from NephroSynthLib.mrml.views import sight, slice_nodes

    def looks() -> list[tuple[Any, ...]]:
        host.process_events(0.2)
        seen = [sight(node) for node in slice_nodes(slicer.mrmlScene)]
        return [(*(round(value) for value in look.middle), round(look.height_mm)) for look in seen]

    host.click(widget.ui.sideBySideButton)
    assert {look[2] for look in looks()} == {round(10 * 8.0)}  # the height of the kidneys
    for node in slice_nodes(slicer.mrmlScene):
        node.JumpSliceByCentering(-120.0, -90.0, 40.0)
        node.SetFieldOfView(*(side / 4 for side in node.GetFieldOfView()))
    here = looks()
    assert here[0] == here[1]
    for name in ("difference", "difference", "sideBySide"):
        host.click(getattr(widget.ui, f"{name}Button"))
        assert looks() == here
    for name in ("twoByTwo", "histogram", "threePlanes", "sideBySide"):
        host.click(getattr(widget.ui, f"{name}Button"))
        assert set(looks()) == {here[0]}, name
    host.click(widget.ui.restoreLayoutButton)
    assert set(looks()) == {here[0]}


def test_the_plot_of_a_line_shows_the_slice_of_the_line(host: Any, widget: Any, compared: Any) -> None:
    import slicer

    from NephroSynthLib.mrml.views import sight, slice_nodes

    host.click(widget.ui.profileButton)
    for x in (-100.0, -150.0):
        compared.line.AddControlPointWorld(x, -90.0, 120.0)
    host.process_events(0.2)
    assert compared.profile is not None
    assert [round(sight(node).middle[2]) for node in slice_nodes(slicer.mrmlScene)] == [120, 120]


def test_a_comparison_opens_with_the_same_window_for_all(host: Any, widget: Any, compared: Any) -> None:
    from NephroSynthLib.mrml.display import set_window

    set_window(compared.acquired, 2000.0, 300.0)
    set_window(compared.noncontrast, 1000.0, 0.0)
    host.click(widget.ui.twoByTwoButton)
    displays = [node.GetDisplayNode() for node in compared.aligned.values()]
    assert [(one.GetWindow(), one.GetLevel()) for one in displays] == [(400.0, 50.0)] * 4


def legends(host: Any, volume: Any) -> set[str]:
    """The slice views of the layout that draw the colour legend of a volume."""
    import slicer

    host.process_events(0.2)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume)
    manager = slicer.app.layoutManager()
    views = {name: manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()}
    found = set()
    for name, view in views.items():
        actor = view.displayableManagerByClassName("vtkMRMLColorLegendDisplayableManager").GetColorLegendActor(legend)
        if view.visible and actor is not None and actor.GetVisibility():
            found.add(name)
    return found


def test_an_exported_series_joins_the_study_of_its_source_in_the_database(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import slicer
    from DICOMLib import DICOMUtils

    from NephroSynthLib.dicom.simulated import write_simulated_study

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


def test_the_delay_of_the_excretory_phase_is_the_users_or_that_of_its_header(
    host: Any, widget: Any, exam_nodes: dict[str, Any], tmp_path: Path
) -> None:
    from NephroSynthPanel.dicom_files import DICOM_FOLDER
    from NephroSynthPanel.parameters import restore_defaults, settings

    from NephroSynthLib.dicom.simulated import write_simulated_study

    choose(widget, **exam_nodes)
    parameters = widget.panel.parameters()

    def delay() -> Any:
        return settings(parameters)["synthesis"]["excretory_delay_s"]

    assert delay() is None
    write_simulated_study({"excretory": small_image(40.0, 120.0)}, tmp_path, seed=1, delays_s={"excretory": 480.0})
    exam_nodes["excretory"].SetAttribute(DICOM_FOLDER, str(tmp_path / "excretory"))
    assert delay() == 480.0
    widget.ui.excretoryDelaySpinBox.value = 720
    host.process_events()
    assert delay() == 720
    restore_defaults(parameters)
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
    from NephroSynthPanel.dicom_files import DICOM_FOLDER

    from NephroSynthLib.mrml.volumes import node_from_image

    exam_nodes["noncontrast"].SetAttribute(DICOM_FOLDER, str(tmp_path))
    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    assert widget.ui.dicomSourceEdit.currentPath == str(tmp_path)
    other = node_from_image(slicer.mrmlScene, small_image(40.0, 30.0), "Another patient")
    choose(widget, noncontrast=other)
    second = run(host, widget, result_folder)
    assert widget.ui.dicomSourceEdit.currentPath == ""
    assert second.synthetic is not first.synthetic  # nor does the other patient's volume get these voxels
    assert second.synthetic.GetName().startswith("Another patient")
    assert first.noncontrast is exam_nodes["noncontrast"]
    slicer.mrmlScene.Clear(0)
    host.process_events()
    assert widget.ui.dicomSourceEdit.currentPath == ""
    assert "no result" in widget.ui.verdictLabel.text
    assert not widget.ui.exportButton.enabled


def test_tables_and_provenance_are_those_of_the_run_that_was_last(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, tmp_path: Path
) -> None:
    import json
    import shutil

    import slicer

    from NephroSynthLib.mrml.provenance import provenance

    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    count = slicer.mrmlScene.GetNumberOfNodes()
    table = first.registrationTable
    before = cells(table)
    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    summary = json.loads((folder / "result.json").read_text())
    summary["registration"]["ssim_after"] = 0.123
    (folder / "result.json").write_text(json.dumps(summary))
    choose(widget, nephrographic=None)
    second = run(host, widget, folder)
    assert second.synthetic is first.synthetic
    again = second.registrationTable
    assert again is table
    assert cells(again) != before
    assert "Input.Nephrographic" not in provenance(second.synthetic)
    assert slicer.mrmlScene.GetNumberOfNodes() <= count


def cells(table: Any) -> list[str]:
    rows, columns = range(table.GetNumberOfRows()), range(table.GetNumberOfColumns())
    return [table.GetCellText(row, column) for row in rows for column in columns]


def test_an_output_transform_above_an_input_is_refused(host: Any, widget: Any, exam_nodes: dict[str, Any]) -> None:
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "above")
    exam_nodes["excretory"].SetAndObserveTransformNodeID(transform.GetID())
    choose(widget, **exam_nodes, transformOutput=transform)
    assert not widget.ui.applyButton.enabled
    assert "lies under" in widget.ui.statusLabel.text


def test_undo_takes_a_run_back(host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path) -> None:
    import slicer

    slicer.mrmlScene.SetUndoOn()
    try:
        choose(widget, **exam_nodes)
        before = widget.panel.parameters()
        given = {name: getattr(before, name).GetID() for name in ("noncontrast", "excretory")}
        run(host, widget, result_folder)
        assert widget.panel.parameters().synthetic is not None
        slicer.mrmlScene.Undo()
        host.process_events()
        after = widget.panel.parameters()
        assert after.synthetic is None
        assert {name: getattr(after, name).GetID() for name in given} == given
        assert widget.ui.applyButton.enabled
    finally:
        slicer.mrmlScene.SetUndoOff()
        slicer.mrmlScene.ClearUndoStack()


def test_unwanted_results_are_not_loaded(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    for name in ("Excretory", "Kidneys", "Transform"):
        getattr(widget.ui, f"want{name}CheckBox").checked = False
    found = run(host, widget, result_folder)
    assert (found.registered, found.kidneys, found.transform) == (None, None, None)
    assert found.synthetic is not None
    assert not widget.ui.checkerboardButton.enabled


@pytest.mark.parametrize("loaded_as", ["volumes", "sample"])
def test_phases_are_found_among_the_loaded_volumes(
    host: Any, widget: Any, exam_nodes: dict[str, Any], loaded_as: str
) -> None:
    from NephroSynthPanel.sample import DICOM_FOLDER

    for node in exam_nodes.values() if loaded_as == "sample" else ():
        node.SetAttribute(DICOM_FOLDER, "/nowhere")
    host.click(widget.ui.findPhasesButton)
    host.wait_until(lambda: not widget.panel.inputs.busy, 60.0)
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    assert widget.ui.noncontrastSelector.currentNode() is exam_nodes["noncontrast"]
    assert widget.ui.excretorySelector.currentNode() is exam_nodes["excretory"]
    assert "Non-contrast" in widget.ui.phasesLabel.text


def test_kidneys_of_the_user_are_handed_to_the_worker(
    host: Any, widget: Any, exam_nodes: dict[str, Any], tmp_path: Path
) -> None:
    import SimpleITK as sitk
    import slicer

    from NephroSynthLib.mrml.segmentations import segmentation_from_labels

    segmentation = segmentation_from_labels(slicer.mrmlScene, small_labels(), "Mine", exam_nodes["noncontrast"])
    choose(widget, **exam_nodes, kidneysInput=segmentation)
    assert widget.panel.parameters().kidneysInput is segmentation
    got = tmp_path / "got.nrrd"
    body = f"shutil.copyfile(job['kidneys'], {str(got)!r}); sys.exit(3)"
    widget.panel.run.start(widget.panel.parameters(), program(body))
    host.wait_until(lambda: not widget.panel.run.running, 30.0)
    given = sitk.GetArrayFromImage(sitk.ReadImage(str(got)))
    assert (given == sitk.GetArrayFromImage(small_labels())).all()


def test_an_input_under_a_transform_is_handed_over_where_it_is_seen(
    host: Any, widget: Any, exam_nodes: dict[str, Any], tmp_path: Path
) -> None:
    import SimpleITK as sitk
    import slicer
    import vtk

    moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 30.0)
    moved.SetMatrixTransformToParent(matrix)
    exam_nodes["excretory"].SetAndObserveTransformNodeID(moved.GetID())
    choose(widget, **exam_nodes)
    got = tmp_path / "got.nrrd"
    widget.panel.run.start(
        widget.panel.parameters(), program(f"shutil.copyfile(job['excretory'], {str(got)!r}); sys.exit(3)")
    )
    host.wait_until(lambda: not widget.panel.run.running, 30.0)
    assert sitk.ReadImage(str(got)).GetOrigin() == pytest.approx((-30.0, 0.0, 0.0))
    assert small_image(0, 0).GetOrigin() == (0.0, 0.0, 0.0)


def test_the_sample_exam_is_registered(widget: Any) -> None:
    import SampleData

    (source,) = SampleData.SampleDataLogic.sampleDataSourcesByCategory("NephroSynth")
    assert source.sampleName == "NephroSynthExam"
    assert Path(source.thumbnailFileName).is_file()
