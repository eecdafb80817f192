"""The panel's controls, and the panel's reaction to the inputs of users."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from gui_exam import ROOT, small_image, small_labels
from playing import choose, press, run
from scene_state import start

UI = ROOT / "NephroSynth" / "Resources" / "UI" / "NephroSynth.ui"
OF_SLICERS_MENUS = set("fevh")  # File, Edit, View, Help
INTERACTIVE = (
    "QPushButton",
    "QToolButton",
    "QCheckBox",
    "QComboBox",
    "QSpinBox",
    "QDoubleSpinBox",
    "QPlainTextEdit",
    "QProgressBar",
    "QTableWidget",
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


def test_everything_that_can_be_used_has_a_tooltip(widget: Any) -> None:
    names = [one.get("name") for one in designed(*INTERACTIVE)]
    assert [name for name in names if len(getattr(widget.ui, name).toolTip) < 5] == []


def test_options_have_the_ranges_and_the_help_of_the_library(host: Any, widget: Any) -> None:
    from NephroSynthLib import options

    ui = widget.ui
    assert (ui.stepsSpinBox.value, ui.stepsSpinBox.minimum, ui.stepsSpinBox.maximum) == (
        options.STEPS.default,
        options.STEPS.least,
        options.STEPS.most,
    )
    assert ui.samplesSpinBox.maximum == options.SAMPLES.most
    assert ui.spacingZSpinBox.maximum == options.SPACING.most
    assert ui.registrationComboBox.toolTip == options.REGISTRATION.help
    assert ui.excretoryDelaySpinBox.toolTip.startswith(options.EXCRETORY_DELAY.help)


def test_no_letter_is_taken_twice_within_a_section_or_by_slicers_menus() -> None:
    sections = designed("ctkCollapsibleButton") + [one for one in designed("QWidget") if one.get("name") == "runWidget"]
    for section in sections:
        texts = [text_of(one, "text") for one in section.iter("widget")]
        letters = [letter.lower() for text in texts for letter in re.findall(r"&(\w)", text)]
        assert len(letters) == len(set(letters)), (section.get("name"), sorted(letters))
        assert not set(letters) & OF_SLICERS_MENUS, section.get("name")


def test_the_tab_key_reaches_everything() -> None:
    reached = [one.text for one in ElementTree.parse(UI).iter("tabstop")]
    wanted = [one.get("name") for one in designed(*INTERACTIVE) if one.get("class") != "QProgressBar"]
    assert reached == wanted


def test_no_widget_has_a_style_sheet() -> None:
    assert not list(ElementTree.parse(UI).getroot().iterfind(".//property[@name='styleSheet']"))


def test_the_panel_says_what_it_is_for(widget: Any) -> None:
    assert "Research use only" in widget.ui.noticeLabel.text
    assert "trained on simulated exams" in widget.ui.noticeLabel.text


def test_requirements_are_those_of_the_package() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python before 3.11 reads no TOML")

    def plain(line: str) -> str:
        return line.split("#")[0].split(",")[0].strip()

    listed = {plain(line) for line in (ROOT / "NephroSynth/Resources/requirements.txt").read_text().splitlines()} - {""}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["dicom"]}
    from_slicer = ("numpy", "scipy", "SimpleITK", "pydicom", "torch")
    of_the_terminal = ("typer", "rich", "pynetdicom", "filelock")
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
    assert "outputs that differ" in ui.statusLabel.text


def test_several_runs_live_in_one_scene(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    first = run(host, widget, result_folder)
    assert widget.ui.syntheticSelector.currentNode() is None  # the next Apply makes a new result
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
    overwrite(widget, first)
    second = run(host, widget, result_folder)
    assert second.synthetic is first.synthetic
    assert second.registered is first.registered
    assert items_below(second.kidneys) == ["Right kidney", "Left kidney"]


def overwrite(widget: Any, found: Any) -> None:
    """Chooses the nodes of a run as outputs."""
    choose(
        widget,
        synthetic=found.synthetic,
        excretoryOutput=found.registered,
        kidneysOutput=found.kidneys,
        transformOutput=found.transform,
    )


def items_below(node: Any) -> list[str]:
    """Names of the items below that of a node in the subject hierarchy."""
    import slicer
    import vtk

    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    children = vtk.vtkIdList()
    tree.GetItemChildren(tree.GetItemByDataNode(node), children)
    return [tree.GetItemName(children.GetId(index)) for index in range(children.GetNumberOfIds())]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("spacingX", 1.25),
        ("spacingY", 2.25),
        ("spacingZ", 1.5),
        ("excretoryDelay", 720),
        ("nephrographicDelay", 110),
        ("weight", 82.5),
        ("iodine", 36),
        ("egfr", 75),
        ("steps", 25),
        ("samples", 12),
        ("seed", 4711),
    ],
)
def test_a_typed_number_is_the_number_that_a_run_uses(host: Any, widget: Any, name: str, number: float) -> None:
    from PySide6.QtWidgets import QLineEdit
    from slicer_host.pythonqt import to_qt

    widget.ui.advancedSection.collapsed = widget.ui.contrastSection.collapsed = False
    widget.panel.advanced.end_now()
    host.type(to_qt(getattr(widget.ui, f"{name}SpinBox")).findChild(QLineEdit), str(number))
    assert getattr(widget.panel.parameters(), name) == number
    widget.ui.advancedSection.collapsed = widget.ui.contrastSection.collapsed = True


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
    overwrite(widget, first)
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


def test_undo_takes_back_what_was_chosen_and_leaves_the_volumes_of_a_run(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    import slicer

    slicer.mrmlScene.SetUndoOn()
    try:
        choose(widget, **exam_nodes)
        before = widget.panel.parameters()
        given = {name: getattr(before, name).GetID() for name in ("noncontrast", "excretory")}
        found = run(host, widget, result_folder)
        assert widget.panel.parameters().result is not None
        slicer.mrmlScene.Undo()
        host.process_events()
        after = widget.panel.parameters()
        assert after.result is None
        assert len(found.aligned) == 4
        assert not any(node.GetUndoEnabled() for node in found.aligned.values())  # each step would copy all voxels
        assert {name: getattr(after, name).GetID() for name in given} == given
        assert widget.ui.applyButton.enabled
    finally:
        slicer.mrmlScene.SetUndoOff()
        slicer.mrmlScene.ClearUndoStack()


def test_facts_of_the_patient_and_the_injection_reach_the_settings(widget: Any) -> None:
    from NephroSynthPanel.parameters import settings

    from NephroSynthLib.settings import Settings

    parameters = widget.panel.parameters()
    told = {"weight": 82.5, "iodine": 36.0, "egfr": 75.0, "nephrographicDelay": 110, "excretoryDelay": 720}
    for name, value in told.items():
        setattr(parameters, name, value)
    found = Settings.model_validate(settings(parameters)).synthesis
    assert (found.weight_kg, found.iodine_g, found.egfr_ml_min) == (82.5, 36.0, 75.0)
    assert (found.excretory_delay_s, found.nephrographic_delay_s) == (720, 110)
    for name in told:
        setattr(parameters, name, parameters.default(name).value)
    assert Settings.model_validate(settings(parameters)).synthesis.weight_kg is None


def test_a_number_below_its_range_is_refused_before_the_run(ready: Any, host: Any) -> None:
    ready.panel.parameters().weight = 1.0
    assert not ready.ui.applyButton.enabled
    assert "2 kg is the least value" in ready.ui.statusLabel.text
    ready.panel.parameters().weight = 70.0
    assert ready.ui.applyButton.enabled


def test_the_start_position_is_the_transform_above_the_excretory_phase(
    host: Any, ready: Any, exam_nodes: dict[str, Any]
) -> None:
    volume, ui = exam_nodes["excretory"], ready.ui
    host.click(ui.nudgeButton)
    transform = volume.GetParentTransformNode()
    assert ui.startSelector.currentNode() is transform
    assert transform.GetDisplayNode().GetEditorVisibility()
    host.click(ui.nudgeButton)
    assert not transform.GetDisplayNode().GetEditorVisibility()
    ui.startSelector.setCurrentNode(None)
    assert volume.GetParentTransformNode() is None
    ui.startSelector.setCurrentNode(transform)
    assert volume.GetParentTransformNode() is transform
    ui.excretorySelector.setCurrentNode(exam_nodes["nephrographic"])
    assert ui.startSelector.currentNode() is None
    assert volume.GetParentTransformNode() is transform


def test_one_kidney_that_is_known_is_moved_alone(host: Any, ready: Any, exam_nodes: dict[str, Any]) -> None:
    import numpy as np
    import slicer
    import vtk
    from kidney_nodes import segmentation_from_labels

    from NephroSynthLib.mrml.views import sight, slice_nodes

    ui, volume = ready.ui, exam_nodes["excretory"]
    ui.nudgeComboBox.currentIndex = 1
    host.click(ui.nudgeButton)
    assert "not known yet" in ui.errorLabel.text
    assert not ui.nudgeButton.checked
    assert volume.GetParentTransformNode() is None
    kidneys = segmentation_from_labels(slicer.mrmlScene, small_labels(), "Mine", exam_nodes["noncontrast"])
    choose(ready, kidneysInput=kidneys)
    host.click(ui.nudgeButton)
    right = (-18 * 5.0, -28 * 5.0, 10 * 8.0)  # the middle of the right kidney of `small_labels`, RAS mm
    left = (-46 * 5.0, *right[1:])
    blend, handle = volume.GetParentTransformNode(), slicer.util.getNode("EP right kidney")
    assert ui.startSelector.currentNode() is blend
    assert handle.GetDisplayNode().GetEditorVisibility()
    assert handle.GetCenterOfTransformation() == pytest.approx(right, abs=3.0)
    assert all(sight(node).middle == pytest.approx(right, abs=9.0) for node in slice_nodes(slicer.mrmlScene))
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 12.0)
    handle.SetMatrixTransformToParent(matrix)  # as dragging a handle does
    seen = [np.subtract(blend.GetTransformFromParent().TransformPoint(at), at) for at in (right, left)]
    assert seen[0] == pytest.approx((0.0, 0.0, -12.0), abs=0.1)
    assert seen[1] == pytest.approx((0.0, 0.0, 0.0), abs=0.5)
    ui.nudgeComboBox.currentIndex = 2
    assert not handle.GetDisplayNode().GetEditorVisibility()
    assert slicer.util.getNode("EP left kidney").GetCenterOfTransformation() == pytest.approx(left, abs=3.0)
    host.click(ui.nudgeButton)
    assert not slicer.util.getNode("EP left kidney").GetDisplayNode().GetEditorVisibility()
    ui.startSelector.setCurrentNode(None)
    assert volume.GetParentTransformNode() is None
    ui.nudgeComboBox.currentIndex = 0


def test_totalsegmentator_can_be_chosen_where_it_is_installed(host: Any, widget: Any) -> None:
    from NephroSynthPanel.parameters import settings

    known = {"devices": [{"name": "cpu", "title": "CPU", "free_bytes": 2**30}], "models": []}
    box = widget.ui.segmenterComboBox
    widget.panel.advanced._answered({**known, "segmenters": []}, None)
    assert box.findData("totalsegmentator") == -1
    widget.panel.advanced._answered({**known, "segmenters": ["totalsegmentator"]}, None)
    box.currentIndex = box.findData("totalsegmentator")
    assert settings(widget.panel.parameters())["segmentation"]["model"] == "totalsegmentator"
    widget.panel.advanced._known = None
    widget.panel.advanced._restore()


def test_landmarks_of_one_phase_alone_are_refused(host: Any, ready: Any) -> None:
    import slicer
    from NephroSynthPanel.parameters import LandmarkUse, run_order

    lists = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name) for name in ("fixed", "moving")]
    lists[0].AddControlPoint(1.0, 2.0, 3.0)
    choose(ready, landmarks=lists[0])
    assert "same number of landmarks" in ready.ui.statusLabel.text
    lists[1].AddControlPoint(4.0, 5.0, 6.0)
    choose(ready, excretoryLandmarks=lists[1])
    assert ready.ui.applyButton.enabled
    ready.panel.parameters().landmarkUse = LandmarkUse.RIGID
    order = run_order(ready.panel.parameters())
    assert (order.landmarks, order.excretory_landmarks) == tuple(lists)
    assert order.settings["registration"]["landmark_use"] == "rigid"
    ready.panel.parameters().landmarkUse = LandmarkUse.START


def test_the_report_opens_in_the_browser(
    host: Any, ready: Any, result_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from NephroSynthPanel import check_section

    opened: list[Path] = []

    class Services:
        @staticmethod
        def openUrl(url: Any) -> None:  # noqa: N802
            opened.append(Path(url.toLocalFile()))

    assert not ready.ui.reportButton.enabled
    run(host, ready, result_folder)
    monkeypatch.setattr(check_section.qt, "QDesktopServices", Services, raising=False)
    host.click(ready.ui.reportButton)
    assert not ready.ui.errorWidget.visible, ready.ui.errorLabel.text
    assert opened[0].suffix == ".html"
    assert "Simulated report" in opened[0].read_text()
    opened[0].unlink()


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
    from NephroSynthLib.mrml.dicom_database import DICOM_FOLDER

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
    from kidney_nodes import segmentation_from_labels

    segmentation = segmentation_from_labels(slicer.mrmlScene, small_labels(), "Mine", exam_nodes["noncontrast"])
    choose(widget, **exam_nodes, kidneysInput=segmentation)
    assert widget.panel.parameters().kidneysInput is segmentation
    got = tmp_path / "got.nrrd"
    body = f"shutil.copyfile(job['kidneys'], {str(got)!r}); sys.exit(3)"
    start(host, widget, body)
    host.wait_until(lambda: not widget.panel.run.running, 30.0)
    given = sitk.GetArrayFromImage(sitk.ReadImage(str(got)))
    assert (given == sitk.GetArrayFromImage(small_labels())).all()


def test_the_sample_exam_is_registered(widget: Any) -> None:
    import SampleData

    (source,) = SampleData.SampleDataLogic.sampleDataSourcesByCategory("NephroSynth")
    assert source.sampleName == "Simulated CT urography exam"
    assert source.sampleDescription == "Simulated CT urography exam"
    assert Path(source.thumbnailFileName).is_file()


@pytest.mark.parametrize("main_window", [True, False])
def test_the_sample_data_module_loads_the_sample_exam(
    host: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main_window: bool
) -> None:
    import SampleData
    import SimpleITK as sitk
    import slicer
    from NephroSynthPanel.sample_data import SAMPLE_NAME

    from NephroSynthLib.mrml.sample_plan import NAMES
    from NephroSynthLib.session.sample_exam import SampleExam

    def refuse(module: str) -> None:
        raise RuntimeError("Could not find moduleSelector in the main window")

    if not main_window:
        monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
        monkeypatch.setattr(slicer.util, "selectModule", refuse)
    exam = SampleExam(tmp_path)
    monkeypatch.setattr(widget.panel.inputs, "sample", exam)
    exam.folder.mkdir()
    for phase in NAMES:  # as if it had been simulated before
        sitk.WriteImage(small_image(40.0, 120.0), str(exam.image(phase)))
    if main_window:
        slicer.util.selectModule("SampleData")
    source = SampleData.SampleDataLogic().sourceForSampleName(SAMPLE_NAME)
    nodes: list[Any] = []
    host.in_event_loop(lambda: nodes.extend(source.customDownloader(source)))
    assert [node.GetName() for node in nodes] == list(NAMES.values())
    assert widget.ui.noncontrastSelector.currentNode() is nodes[0]
    assert widget.ui.applyButton.enabled
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    if main_window:
        assert slicer.util.moduleSelector().selectedModule == "NephroSynth"


def test_an_export_to_another_disk_than_the_temporary_one_appears_whole(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    import slicer

    if not Path("/dev/shm").is_dir() or os.stat("/dev/shm").st_dev == os.stat(slicer.app.temporaryPath).st_dev:
        pytest.skip("there is no second disk")
    choose(widget, **exam_nodes)
    run(host, widget, result_folder)
    for box in ("Nifti", "Dicom"):
        getattr(widget.ui, f"export{box}CheckBox").checked = False
    for box in ("Nrrd", "Report", "Scene"):
        getattr(widget.ui, f"export{box}CheckBox").checked = True
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        widget.ui.exportFolderEdit.currentPath = folder
        seen: set[frozenset[str]] = set()
        widget.panel.export.export()
        while widget.panel.export.running:
            host.process_events()
            seen |= {frozenset(os.listdir(one)) for one in Path(folder).glob("[!.]*")}
        assert "Written to" in widget.ui.exportLabel.text
        [written] = Path(folder).iterdir()
        assert seen <= {frozenset(os.listdir(written))}
        assert {"synthetic_nephrographic.nrrd", "report.html", f"{written.name}.mrb"} <= set(os.listdir(written))
        recent = [action.text() for action in host.window._recent.actions()]
        assert [path for path in recent if not Path(path).exists()] == []


def test_the_tables_fit_without_a_horizontal_scroll_bar(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    run(host, widget, result_folder)
    ui = widget.ui
    ui.checkSection.collapsed = ui.comparisonSection.collapsed = False
    host.process_events()
    press(host, widget, ui.kidneyHUButton)
    host.process_events()
    for table in (ui.registrationTableView, ui.metricsTableView, ui.kidneyHUTableView):
        assert table.horizontalHeader().length() <= table.viewport().width, table.objectName
    assert ui.registrationTableView.verticalHeader().length() <= ui.registrationTableView.viewport().height


@pytest.mark.parametrize(("size", "scale"), [((1366, 768), 1.0), ((3840, 2160), 2.0)], ids=["small", "high"])
def test_the_panel_fits_a_small_and_a_high_resolution_screen(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, size: tuple[int, int], scale: float
) -> None:
    """On a screen of high resolution all text has twice as many pixels, and so has the panel."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    choose(widget, **exam_nodes)
    run(host, widget, result_folder)
    ui, panel = widget.ui, host.window._panel
    width = panel.width()
    usual, before = QApplication.font(), host.window.size()
    large = QApplication.font()
    large.setPointSizeF(scale * large.pointSizeF())
    sections = [getattr(ui, one.get("name")) for one in designed("ctkCollapsibleButton")]
    folded = [section.collapsed for section in sections]
    try:
        QApplication.setFont(large)
        host.window.resize(*size)
        host.window.resizeDocks([panel.parent()], [round(scale * width)], Qt.Orientation.Horizontal)
        for section in sections:
            section.collapsed = False
        widget.panel.advanced.end_now()
        host.process_events(0.1)
        assert panel.widget().minimumSizeHint().width() <= panel.viewport().width()
        assert panel.horizontalScrollBar().maximum() == 0
        assert host.window.height() <= size[1]
        assert panel.width() <= 0.45 * size[0]  # the views keep the larger part
    finally:
        for section, collapsed in zip(sections, folded, strict=True):
            section.collapsed = collapsed
        QApplication.setFont(usual)
        host.window.resize(before)
        host.window.resizeDocks([panel.parent()], [width], Qt.Orientation.Horizontal)
        host.process_events()


def test_no_choice_of_a_menu_is_cut_off(host: Any, widget: Any) -> None:
    widget.ui.advancedSection.collapsed = False
    widget.panel.advanced.end_now()
    host.process_events()
    box = widget.ui.registrationComboBox
    for index in range(box.count):
        assert box.fontMetrics().horizontalAdvance(box.itemText(index)) < box.width - 30, box.itemText(index)
    widget.ui.advancedSection.collapsed = True


def test_the_kidneys_are_shown_in_3d_when_that_is_wanted(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    choose(widget, **exam_nodes)
    kidneys = run(host, widget, result_folder).kidneys
    widget.ui.checkSection.collapsed = False
    host.process_events()
    names = kidneys.GetSegmentation().ContainsRepresentation
    assert not widget.ui.surfacesCheckBox.checked
    host.click(widget.ui.surfacesCheckBox, (8, 8))
    assert names("Closed surface")
    widget.panel.show_run()
    assert widget.ui.surfacesCheckBox.checked
    host.click(widget.ui.surfacesCheckBox, (8, 8))
    assert not names("Closed surface")


def test_the_check_boxes_of_the_kidneys_follow_their_visibility(
    host: Any, widget: Any, exam_nodes: dict[str, Any], result_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(widget, **exam_nodes)
    kidneys = run(host, widget, result_folder).kidneys
    shown, ui = kidneys.GetDisplayNode(), widget.ui
    ui.checkSection.collapsed = False
    host.process_events()
    host.click(ui.surfacesCheckBox, (8, 8))
    host.click(ui.outlinesCheckBox, (8, 8))
    assert (shown.GetVisibility(), shown.GetVisibility2D(), shown.GetVisibility3D()) == (1, 0, 1)
    shown.SetVisibility(False)
    widget.panel.show_run()
    assert not ui.surfacesCheckBox.checked
    assert not shown.GetVisibility()
    shown.SetVisibility(True)
    widget.panel.show_run()
    assert (ui.outlinesCheckBox.checked, ui.surfacesCheckBox.checked) == (False, True)
    host.click(ui.surfacesCheckBox, (8, 8))
    monkeypatch.setattr(kidneys, "CreateClosedSurfaceRepresentation", lambda: False, raising=False)
    host.click(ui.surfacesCheckBox, (8, 8))
    assert not ui.surfacesCheckBox.checked
    assert "No surface" in ui.errorLabel.text


def test_each_mnemonic_reaches_one_control_and_no_menu(widget: Any) -> None:
    text = (ROOT / "NephroSynth/Resources/UI/NephroSynth.ui").read_text(encoding="utf-8")
    mnemonics = [letter.upper() for letter in re.findall(r"<string>[^<]*&amp;(\w)", text)]
    assert {"A", "L", "P", "N", "C"} <= set(mnemonics)
    menus = set("FEVH")  # of Slicer's main window: File, Edit, View, Help
    assert len(mnemonics) == len(set(mnemonics) - menus)
