"""The host's windows on a MRML scene: node combo boxes, slice views, layouts, tables, plots, files, dialogs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def slicer(slicer_host: Any) -> Any:
    import slicer

    return slicer


def _ct(slicer: Any, name: str = "CT", value: float = 50.0) -> Any:
    """A volume of 60 mm, one voxel a mm, centred; `value` HU to the patient's left, -150 HU to the right."""
    voxels = np.full((60, 60, 60), -150.0, np.float32)
    voxels[:, :, 30:] = value
    node = slicer.util.addVolumeFromArray(voxels)
    node.SetName(name)
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    node.SetOrigin(29.5, 29.5, -29.5)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevel(400, 50)
    return node


def _combo_box(slicer: Any, **properties: Any) -> Any:
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    for name, value in properties.items():
        setattr(box, name, value)
    box.setMRMLScene(slicer.mrmlScene)
    return box


def _choose(box: Any, text: str) -> None:
    """Chooses an entry, as a click on it does."""
    native = box._native._box
    row = native.findText(text)
    assert row >= 0, [native.itemText(index) for index in range(native.count())]
    native.setCurrentIndex(row)
    native.activated.emit(row)


def test_a_node_combo_box_follows_the_scene(slicer_host: Any, slicer: Any) -> None:
    box, heard = _combo_box(slicer), []
    box.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    box.connect("currentNodeChanged(bool)", heard.append)
    first = _ct(slicer, "first")
    assert box.currentNode() is first
    second = _ct(slicer, "second")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    assert (box.currentNode(), box.nodeCount()) == (first, 2)
    slicer.mrmlScene.RemoveNode(first)
    assert box.currentNode() is second
    assert heard == [first, True, second, True]


def test_a_node_combo_box_makes_renames_and_deletes(slicer_host: Any, slicer: Any) -> None:
    box = _combo_box(slicer, noneEnabled=True, noneDisplay="Create new", renameEnabled=True, removeEnabled=True)
    assert box.currentNode() is None
    _choose(box, "Create new Volume".replace("Volume", box.nodeTypeLabel("vtkMRMLScalarVolumeNode")))
    node = box.currentNode()
    assert node.IsA("vtkMRMLScalarVolumeNode")
    slicer_host.expect_dialog("Synthetic")
    _choose(box, f"Rename current {box.nodeTypeLabel('vtkMRMLScalarVolumeNode')}")
    assert node.GetName() == "Synthetic"
    _choose(box, "Create new")
    assert box.currentNode() is None
    _choose(box, "Synthetic")
    _choose(box, f"Delete current {box.nodeTypeLabel('vtkMRMLScalarVolumeNode')}")
    assert (box.currentNode(), box.nodeCount()) == (None, 0)


def test_a_node_combo_box_filters(slicer: Any) -> None:
    box = _combo_box(slicer)
    label_map = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    assert (box.currentNode(), box.nodeCount()) == (label_map, 1)
    box.addAttribute("vtkMRMLScalarVolumeNode", "Phase", "excretory")
    assert box.nodeCount() == 0
    label_map.SetAttribute("Phase", "excretory")
    assert box.nodeCount() == 1


def _picture(slicer: Any, name: str) -> np.ndarray:
    """Grey values of a slice view as it is drawn, (y, x)."""
    canvas = slicer.app.layoutManager().sliceWidget(name).sliceView()._native
    canvas._render()
    image = canvas._picture
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), :3].mean(axis=2)


def test_a_slice_view_draws_the_window(slicer_host: Any, slicer: Any) -> None:
    slicer.util.setSliceViewerLayers(background=_ct(slicer), fit=True)
    slicer_host.process_events(0.2)
    picture = _picture(slicer, "Red")
    height, width = picture.shape
    inside = picture[height // 2 - 20 : height // 2 + 20]
    assert inside[:, width // 2 - 60 : width // 2 - 20].mean() == pytest.approx(0, abs=1)
    assert inside[:, width // 2 + 20 : width // 2 + 60].mean() == pytest.approx(255 * 200 / 400, abs=2)


def test_the_wheel_moves_through_the_slices(slicer_host: Any, slicer: Any) -> None:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    slicer.util.setSliceViewerLayers(background=_ct(slicer), fit=True)
    slicer_host.process_events(0.2)
    widget = slicer.app.layoutManager().sliceWidget("Red")
    before = widget.sliceLogic().GetSliceOffset()
    view = widget.sliceView()._native
    middle = QPointF(view.rect().center())
    event = QWheelEvent(
        middle, view.mapToGlobal(middle), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    slicer_host.process_events(0.1)
    assert abs(widget.sliceLogic().GetSliceOffset() - before) == pytest.approx(1.0)
    assert widget.sliceController().sliceOffsetSlider().value == pytest.approx(widget.sliceLogic().GetSliceOffset())


_LAYOUT = """<layout type="horizontal" split="true">
 <item><view class="vtkMRMLSliceNode" singletontag="Synthetic">
  <property name="orientation" action="default">Coronal</property>
  <property name="viewlabel" action="default">S</property>
  <property name="viewcolor" action="default">#8050A0</property></view></item>
 <item><layout type="vertical"><item><view class="vtkMRMLTableViewNode" singletontag="TableView1"/></item>
 <item><view class="vtkMRMLPlotViewNode" singletontag="PlotView1"/></item></layout></item></layout>"""


def test_a_layout_of_the_module_is_shown(slicer_host: Any, slicer: Any) -> None:
    manager = slicer.app.layoutManager()
    layout = manager.layoutLogic().GetLayoutNode()
    layout.AddLayoutDescription(977, _LAYOUT)
    manager.setLayout(977)
    slicer_host.process_events()
    widget = manager.sliceWidget("Synthetic")
    assert widget.visible
    assert (widget.mrmlSliceNode().GetOrientation(), widget.mrmlSliceNode().GetLayoutLabel()) == ("Coronal", "S")
    assert not manager.sliceWidget("Red").visible
    assert (manager.tableViewCount, manager.plotViewCount, manager.layout) == (1, 1, 977)
    manager.layout = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    slicer_host.process_events()
    assert manager.sliceWidget("Red").visible
    with pytest.raises(ValueError, match="no layout"):
        manager.setLayout(123_456)


def test_a_table_and_a_plot_are_shown(slicer_host: Any, slicer: Any) -> None:
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "HU")
    slicer.util.updateTableFromArray(table, np.array([[0.0, 10.0], [1.0, 60.0]]), ["position", "HU"])
    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(table)
    model = view._native.model()
    assert (model.rowCount(), model.columnCount(), model.data(model.index(1, 1))) == (2, 2, "60")
    table.SetCellText(1, 1, "70")
    assert float(model.data(model.index(1, 1))) == 70
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "profile")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("position")
    series.SetYColumnName("HU")
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", "chart")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    slicer.modules.plots.logic().ShowChartInLayout(chart)
    slicer_host.process_events(0.3)
    plots = slicer.app.layoutManager().plotWidget(0).plotView()._native._chart
    assert plots.GetNumberOfPlots() == 1
    assert plots.GetPlot(0).GetLabel() == "profile"


@pytest.mark.parametrize("name", ["scene.mrb", "scene.mrml"])
def test_a_saved_scene_comes_back(slicer_host: Any, slicer: Any, tmp_path: Path, name: str) -> None:
    node = _ct(slicer, "Simulated")
    expected = slicer.util.arrayFromVolume(node).copy()
    if name.endswith(".mrml"):
        assert slicer.util.saveNode(node, str(tmp_path / "Simulated.nrrd"))
    assert slicer.util.saveScene(str(tmp_path / name))
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.GetFirstNodeByName("Simulated") is None
    slicer.util.loadScene(str(tmp_path / name))
    slicer_host.process_events(0.2)
    loaded = slicer.util.getNode("Simulated")
    assert (slicer.util.arrayFromVolume(loaded) == expected).all()
    assert loaded.GetOrigin() == pytest.approx((29.5, 29.5, -29.5))


def _segment_items(slicer: Any, node: Any) -> list[str]:
    """Names of the items below the item of a segmentation."""
    import vtk

    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    children = vtk.vtkIdList()
    tree.GetItemChildren(tree.GetItemByDataNode(node), children)
    return [tree.GetItemName(children.GetId(index)) for index in range(children.GetNumberOfIds())]


def test_items_of_segments_follow_the_events_of_their_segmentation_alone(slicer: Any) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    right = node.GetSegmentation().AddEmptySegment("", "Right kidney")
    node.GetSegmentation().AddEmptySegment("", "Left kidney")
    assert _segment_items(slicer, node) == ["Right kidney", "Left kidney"]
    node.GetSegmentation().GetSegment(right).SetName("Transplant")
    assert _segment_items(slicer, node) == ["Transplant", "Left kidney"]
    node.GetSegmentation().RemoveSegment(right)
    assert _segment_items(slicer, node) == ["Left kidney"]
    node.SetAndObserveSegmentation(slicer.vtkSegmentation())  # invokes no event of a segment
    node.GetSegmentation().AddEmptySegment("", "Left kidney")
    assert _segment_items(slicer, node) == ["Left kidney", "Left kidney"]


def _recent_files(slicer_host: Any) -> dict[str, bool]:
    """The entries of File > Recent, newest first, and whether each can be opened."""
    return {action.text(): action.isEnabled() for action in slicer_host.window._recent.actions()}


def test_saved_scenes_and_loaded_files_are_found_under_recent(slicer_host: Any, slicer: Any, tmp_path: Path) -> None:
    heard: list[Any] = []
    manager = slicer.app.coreIOManager()
    manager.connect("fileSaved(QVariantMap)", lambda properties: heard.append(properties["fileName"]))
    volume, scene = str(tmp_path / "CT.nrrd"), str(tmp_path / "new" / "scene.mrb")
    assert slicer.util.saveNode(_ct(slicer), volume)
    assert slicer.util.saveScene(scene)
    assert heard == [volume, scene]
    assert volume not in _recent_files(slicer_host)
    assert next(iter(_recent_files(slicer_host))) == scene
    slicer.util.loadVolume(volume)
    assert next(iter(_recent_files(slicer_host))) == volume


def test_dialogs_are_answered_in_turn(slicer_host: Any, slicer: Any) -> None:
    slicer_host.expect_dialog("Yes", "No")
    answers: list[bool] = []
    slicer_host.in_event_loop(lambda: answers.append(slicer.util.confirmYesNoDisplay("Restart now?")))
    slicer_host.in_event_loop(lambda: answers.append(slicer.util.confirmYesNoDisplay("Really?")))
    assert answers == [True, False]
    assert slicer_host.dialogs_seen[-2].endswith("Restart now?")


def test_a_dialog_that_nobody_expects_is_an_error(slicer_host: Any, slicer: Any) -> None:
    with pytest.raises(AssertionError, match="out of memory"):
        slicer_host.in_event_loop(lambda: slicer.util.errorDisplay("out of memory"))


@pytest.mark.parametrize(
    ("widget", "message"),
    [
        ('<widget class="ctkNothing" name="x"/>', "ctkNothing"),
        ('<widget class="QLabel" name="x"><property name="txt"><string>a</string></property></widget>', "txt"),
        (
            '<widget class="ctkSliderWidget" name="x"><property name="step"><double>1</double></property></widget>',
            "step",
        ),
    ],
)
def test_a_ui_file_with_unknown_names_is_refused(slicer: Any, tmp_path: Path, widget: str, message: str) -> None:
    path = tmp_path / "panel.ui"
    path.write_text(
        f'<ui version="4.0"><widget class="qMRMLWidget" name="Panel"><layout class="QVBoxLayout" name="column"><item>'
        f"{widget}</item></layout></widget></ui>",
        encoding="utf-8",
    )
    with pytest.raises(RuntimeError, match=message):
        slicer.util.loadUI(str(path))


def test_a_screenshot_has_the_window_in_it(slicer_host: Any, tmp_path: Path) -> None:
    from PySide6.QtGui import QImage

    image = QImage(str(slicer_host.screenshot(tmp_path / "window.png")))
    assert (image.width(), image.height()) == (1440, 900)
    colors = {image.pixelColor(x, y).name() for x in range(0, 1440, 5) for y in range(0, 900, 5)}
    assert {"#f34a33", "#6eb04b", "#edd54c"} <= colors


def test_unknown_names_of_slicer_raise_an_error(slicer: Any) -> None:
    for name in ("arrayFromVolume", "loadUI", "noSuchName"):
        with pytest.raises(AttributeError):
            getattr(slicer, name)
    with pytest.raises(AttributeError):
        slicer.modules.nosuchmodule  # noqa: B018


def test_a_host_inside_a_host_restores_the_outer_one(slicer_host: Any, slicer: Any) -> None:
    import sys

    from slicer_host import Host

    outer, before = slicer.mrmlScene, set(sys.modules)
    with Host(dark=True, size=(1000, 700)) as inner:
        assert slicer.mrmlScene is not outer
        assert inner.main_window.size.width() == 1000
    assert slicer.mrmlScene is outer
    assert slicer.app.mrmlScene() is outer
    assert "qt" in sys.modules
    assert "SampleData" in before


def test_the_innermost_of_nested_hosts_answers_dialogs(slicer_host: Any, slicer: Any) -> None:
    from slicer_host import Host

    seen_outside = list(slicer_host.dialogs_seen)
    with Host() as inner:
        answers: list[bool] = []
        inner.expect_dialog(*["Yes"] * 8)
        for _ in range(8):
            inner.in_event_loop(lambda: answers.append(slicer.util.confirmYesNoDisplay("Restart now?")))
    assert answers == [True] * 8
    assert slicer_host.dialogs_seen == seen_outside


def test_a_folded_section_shows_and_hides_its_widgets_when_it_opens(slicer_host: Any) -> None:
    import ctk
    import qt

    section = ctk.ctkCollapsibleButton()
    column = qt.QVBoxLayout(section)
    labels = {name: qt.QLabel(name) for name in ("shown", "hidden", "hidden at first")}
    for label in labels.values():
        column.addWidget(label)
    labels["hidden at first"].visible = False
    section.collapsed = True
    section.show()
    slicer_host.process_events()
    labels["hidden"].visible = False
    labels["hidden at first"].visible = True
    slicer_host.process_events()
    assert [label.visible for label in labels.values()] == [False, False, False]
    section.collapsed = False
    assert [label.visible for label in labels.values()] == [True, False, True]
    section.collapsed = True
    assert [label.visible for label in labels.values()] == [False, False, False]
    section.hide()
