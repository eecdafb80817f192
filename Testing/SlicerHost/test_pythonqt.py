"""The module `qt` of the host behaves as PythonQt's does in Slicer."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest


@pytest.fixture
def qt(slicer_host: Any) -> Any:
    import qt

    return qt


def test_properties_are_values_not_methods(qt: Any) -> None:
    button = qt.QPushButton("Apply")
    button.enabled = False
    assert (button.text, button.enabled, button.isEnabled()) == ("Apply", False, False)
    with pytest.raises(TypeError):
        button.text()


def test_name_stands_for_object_name(qt: Any) -> None:
    button = qt.QPushButton()
    button.name = "apply"
    assert (button.name, button.objectName) == ("apply", "apply")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("button.nope", AttributeError),
        ("button.setNope(1)", AttributeError),
        ("button.nope = 1", AttributeError),
        ("button.click = 1", AttributeError),
        ("button.clicked = 1", AttributeError),
        ("button.text = None", AttributeError),
        ("button.size = 'large'", AttributeError),
        ("button.connect('clocked()', print)", AttributeError),
        ("button.connect('clicked(int)', print)", AttributeError),
        ("button.clicked.connect(None)", TypeError),
        ("qt.QNothing", AttributeError),
        ("qt.Signal", AttributeError),
        ("qt.Qt.AlignNowhere", AttributeError),
    ],
)
def test_a_name_that_pythonqt_does_not_have_is_an_error(qt: Any, code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        exec(code, {"qt": qt, "button": qt.QPushButton("Apply")})


def test_signals_by_signature_and_by_name(qt: Any) -> None:
    heard: list[Any] = []
    button = qt.QPushButton()
    button.checkable = True
    button.connect("clicked(bool)", heard.append)
    button.clicked.connect(lambda: heard.append("no argument"))
    button.click()
    assert heard == [True, "no argument"]
    button.disconnect("clicked(bool)", heard.append)
    button.click()
    assert heard == [True, "no argument", "no argument"]


def test_one_qt_object_is_always_the_same_python_object(qt: Any) -> None:
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    button = qt.QPushButton()
    layout.addWidget(button)
    assert widget.layout() is layout
    assert button.parent() is widget
    assert layout.itemAt(0).widget() is button
    assert widget.findChildren(qt.QPushButton) == (button,)
    assert type(button) == qt.QPushButton  # noqa: E721
    assert isinstance(button, qt.QWidget)


def test_enumerations_are_integers(qt: Any) -> None:
    assert qt.QProcess.NotRunning == 0
    assert qt.QProcess().state() == qt.QProcess.NotRunning
    box = qt.QMessageBox()
    box.standardButtons = qt.QMessageBox.Yes | qt.QMessageBox.No
    assert box.standardButtons & qt.QMessageBox.Yes
    assert qt.Qt.AlignmentFlag.AlignLeft == qt.Qt.AlignLeft


def test_python_overrides_virtual_methods(qt: Any) -> None:
    class Filter(qt.QObject):
        def __init__(self) -> None:
            super().__init__()
            self.seen = 0

        def eventFilter(self, watched: Any, event: Any) -> bool:
            self.seen += 1
            return False

    watched, watching = qt.QWidget(), Filter()
    watched.installEventFilter(watching)
    watched.enabled = False
    assert watching.seen > 0


def test_using_a_destroyed_object_is_an_error(qt: Any) -> None:
    button = qt.QPushButton()
    button.delete()
    with pytest.raises(ValueError, match="destroyed"):
        button.text  # noqa: B018


def test_the_output_of_a_process_is_bytes(slicer_host: Any, qt: Any) -> None:
    process = qt.QProcess()
    process.start("PythonSlicer", ["-c", "import sys; print(sys.executable, 'Größe')"])
    slicer_host.wait_until(lambda: process.state() == qt.QProcess.NotRunning)
    answer = process.readAllStandardOutput().data()
    assert isinstance(answer, bytes)
    assert answer.decode().split()[0] == sys.executable
    assert process.exitStatus() == qt.QProcess.NormalExit


def test_an_exception_in_a_slot_reaches_the_console_and_not_the_code_that_emitted_the_signal(
    slicer_host: Any, qt: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    called: list[str] = []
    button = qt.QPushButton()
    button.clicked.connect(lambda: 1 / 0)
    button.clicked.connect(lambda: called.append("the next slot"))
    button.click()
    assert called == ["the next slot"]
    assert "ZeroDivisionError" in capfd.readouterr().err
    with pytest.raises(ZeroDivisionError):
        slicer_host.process_events()


def test_lists_of_qt_arrive_as_tuples(slicer_host: Any, qt: Any) -> None:
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLTextNode", "vtkMRMLTableNode"]
    assert box.nodeTypes == ("vtkMRMLTextNode", "vtkMRMLTableNode")
    assert slicer.app.layoutManager().sliceViewNames() == ("Red", "Green", "Yellow")
    heard: list[Any] = []
    dialog = qt.QFileDialog()
    dialog.connect("filesSelected(QStringList)", heard.append)
    dialog.filesSelected(["a.nrrd"])
    assert heard == [("a.nrrd",)]


def test_an_exception_in_an_observer_reaches_the_test(slicer_host: Any) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", lambda *_: {}["missing"])
    node.SetName("new")
    with pytest.raises(KeyError):
        slicer_host.process_events()


def test_no_number_of_calls_loses_the_last_reference_to_none(slicer_host: Any) -> None:
    for singleton in (None, True, False, NotImplemented):
        assert sys.getrefcount(singleton) > 1_000_000_000


@pytest.mark.parametrize("display", ["", "nowhere:77"])
def test_without_a_display_that_answers_and_without_xvfb_there_is_no_host(
    monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    from slicer_host.x_display import XvfbMissing, open_display

    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    with pytest.raises(XvfbMissing, match="xvfb"):
        open_display()
