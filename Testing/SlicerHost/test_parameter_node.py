"""slicer.parameterNodeWrapper in the host: types, defaults, ranges, widgets, scenes."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import pytest


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


@pytest.fixture
def parameters(slicer_host: Any) -> Any:
    import slicer
    from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper

    class Parameters:
        pass

    Parameters.__annotations__ = {
        "volume": slicer.vtkMRMLScalarVolumeNode,
        "steps": Annotated[int, WithinRange(1, 50), Default(4)],
        "opacity": Annotated[float, WithinRange(0.0, 1.0)],
        "name": str,
        "on": bool,
        "mode": Mode,
        "folder": Path,
    }
    Parameters.on = True
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    return parameterNodeWrapper(Parameters)(node)


def test_parameters_start_with_their_defaults(parameters: Any) -> None:
    values = (parameters.volume, parameters.steps, parameters.opacity, parameters.name, parameters.on, parameters.mode)
    assert values == (None, 4, 0.0, "", True, Mode.FAST)
    assert parameters.default("steps").value == 4


def test_values_are_kept_in_the_node(parameters: Any) -> None:
    from slicer.parameterNodeWrapper import isParameterNodeWrapper

    parameters.mode, parameters.steps, parameters.folder = Mode.EXACT, 7, Path("/a/b")
    node = parameters.parameterNode
    kept = [node.GetParameter(name) for name in ("mode", "steps", "folder")]
    assert kept == ["EXACT", "7", str(Path("/a/b"))]
    assert type(parameters)(node).mode is Mode.EXACT
    node.SetParameter("steps", "9")
    assert parameters.steps == 9
    assert isParameterNodeWrapper(parameters)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("steps", 51, ValueError),
        ("steps", 0, ValueError),
        ("steps", 2.5, TypeError),
        ("steps", None, ValueError),
        ("opacity", "much", TypeError),
        ("name", 1, TypeError),
        ("volume", "CT", TypeError),
    ],
)
def test_a_value_of_the_wrong_type_or_range_is_refused(
    parameters: Any, name: str, value: Any, error: type[Exception]
) -> None:
    before = parameters.getValue(name)
    with pytest.raises(error):
        setattr(parameters, name, value)
    assert parameters.getValue(name) == before


def test_an_unknown_parameter_is_an_error(parameters: Any) -> None:
    with pytest.raises(ValueError, match="nothing"):
        parameters.getValue("nothing")


@pytest.fixture
def gui(slicer_host: Any) -> Any:
    import ctk
    import qt
    import slicer

    panel = qt.QWidget()
    column = qt.QVBoxLayout(panel)
    widgets = {
        "volume": slicer.qMRMLNodeComboBox(),
        "steps": qt.QSpinBox(),
        "opacity": ctk.ctkSliderWidget(),
        "name": qt.QLineEdit(),
        "on": qt.QCheckBox(),
        "mode": qt.QComboBox(),
        "folder": ctk.ctkPathLineEdit(),
    }
    for name, widget in widgets.items():
        widget.setProperty("SlicerParameterName", name)
        column.addWidget(widget)
        widget.name = name
    widgets["volume"].noneEnabled = True
    widgets["volume"].setMRMLScene(slicer.mrmlScene)
    return panel, widgets


def test_widgets_and_parameters_follow_each_other(parameters: Any, gui: Any) -> None:
    import slicer

    panel, widgets = gui
    parameters.connectGui(panel)
    assert (widgets["steps"].value, widgets["steps"].maximum, widgets["on"].checked) == (4, 50, True)
    assert widgets["opacity"].maximum == 1.0
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    widgets["volume"].setCurrentNode(volume)
    widgets["steps"].value = 9
    widgets["mode"].currentIndex = 1
    widgets["on"].checked = False
    widgets["name"].text = "kidney"
    widgets["folder"].currentPath = "/c"
    values = (parameters.volume, parameters.steps, parameters.mode, parameters.on, parameters.name, parameters.folder)
    assert values == (volume, 9, Mode.EXACT, False, "kidney", Path("/c"))
    parameters.steps, parameters.opacity, parameters.volume = 3, 0.5, None
    assert (widgets["steps"].value, widgets["opacity"].value, widgets["volume"].currentNode()) == (3, 0.5, None)


def test_disconnected_widgets_are_left_alone(parameters: Any, gui: Any) -> None:
    panel, widgets = gui
    tag = parameters.connectGui(panel)
    parameters.disconnectGui(tag)
    parameters.disconnectGui(tag)
    widgets["steps"].value = 9
    assert parameters.steps == 4
    parameters.steps = 11
    assert widgets["steps"].value == 9


def test_undo_brings_widgets_back(parameters: Any, gui: Any) -> None:
    import slicer

    panel, widgets = gui
    scene, node = slicer.mrmlScene, parameters.parameterNode
    parameters.connectGui(panel)
    scene.SetUndoOn()
    node.SetUndoEnabled(True)
    scene.SaveStateForUndo()
    parameters.steps = 20
    scene.Undo()
    assert (parameters.steps, widgets["steps"].value) == (4, 4)


def test_one_event_for_many_changes(parameters: Any) -> None:
    import slicer

    heard = []
    parameters.AddObserver("ModifiedEvent", lambda *_: heard.append(1))
    with slicer.util.NodeModify(parameters):
        parameters.steps = 5
        parameters.name = "x"
    assert len(heard) == 1


def test_a_widget_that_cannot_show_a_parameter_is_an_error(parameters: Any) -> None:
    import qt

    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        parameters.connectParametersToGui({"steps": qt.QLineEdit()})


def test_a_number_is_written_back_at_each_keystroke_unless_the_box_waits_for_enter(
    slicer_host: Any, parameters: Any
) -> None:
    """Slicer sets the widget at each event of the node, so that a box forgets digits that are yet to come."""
    import qt

    shown = {}
    for waits in (False, True):
        box = qt.QDoubleSpinBox()
        box.keyboardTracking = not waits
        box.show()
        tag = parameters.connectParametersToGui({"opacity": box})
        slicer_host.type(box, "0.25")
        shown[waits] = (box.value, parameters.opacity)
        parameters.disconnectGui(tag)
        box.hide()
    assert shown[True] == (0.25, 0.25)
    assert shown[False] != (0.25, 0.25)


def test_an_event_of_the_node_sets_each_widget_whether_its_value_changed_or_not(parameters: Any, gui: Any) -> None:
    panel, widgets = gui
    parameters.connectGui(panel)
    widgets["opacity"]._native.blockSignals(True)
    widgets["opacity"].value = 0.75  # the node does not hear of it
    widgets["opacity"]._native.blockSignals(False)
    parameters.name = "kidney"
    assert widgets["opacity"].value == 0.0
