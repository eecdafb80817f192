"""The host: a window that looks and answers like 3D Slicer's, for tests and screenshots."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import slicer
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from slicer_host.application import qSlicerApplication
from slicer_host.dialogs import Answer, Dialogs
from slicer_host.failures import Failures
from slicer_host.namespace import Namespace, module_folder_on_path
from slicer_host.palette import slicer_palette
from slicer_host.pythonqt import to_python, to_qt
from slicer_host.scripted_module import qSlicerScriptedLoadableModule
from slicer_host.session import Session
from slicer_host.singletons import make_immortal
from slicer_host.x_display import open_display

SAMPLE_DATA = Path(__file__).parent / "modules" / "SampleData.py"


class Host:
    """Context manager: inside it `import qt, ctk, slicer` give what they give in Slicer.

    Args:
        dark: Slicer's dark style instead of the light one.
        size: width and height of the main window in pixels.
        settings: what the user's settings file holds at the start.
    """

    def __init__(
        self, dark: bool = False, size: tuple[int, int] = (1440, 900), settings: dict[str, Any] | None = None
    ) -> None:
        self._dark = dark
        self._size = size
        self._settings = settings or {}

    def __enter__(self) -> Host:
        make_immortal()
        open_display()
        self._application = _application()
        self._application.setPalette(slicer_palette(self._dark))
        with ExitStack() as undo:
            self.failures = Failures()
            undo.callback(self.failures.close)
            undo.callback(os.environ.__setitem__, "PATH", _python_slicer_on_path())
            self._session = Session(self._settings)
            undo.callback(self._application._open, self._application._session)
            self._application._open(self._session)
            self._dialogs = Dialogs(self.failures)
            undo.callback(self._dialogs.close)
            self._namespace = Namespace()
            undo.callback(self._namespace.close)
            self._namespace.open(self._application, self._session.scene, self._session.modules)
            undo.callback(self._close_session)
            self.window = self._session.window
            self.window.resize(*self._size)
            self._add_sample_data()
            self._session.layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
            self.window.show()
            self.process_events()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()
        if kind is None:
            self.failures.raise_first()

    def _add_sample_data(self) -> None:
        self._session.add_module("SampleData", qSlicerScriptedLoadableModule(SAMPLE_DATA))

    def _close_session(self) -> None:
        self._session.close()
        self._application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self._application.processEvents()

    @property
    def main_window(self) -> Any:
        """The main window as Python code in Slicer sees it."""
        return to_python(self.window)

    @property
    def restart_wanted(self) -> bool:
        """True if the module asked Slicer to restart."""
        return self._session.restart_wanted

    @property
    def dialogs_seen(self) -> list[str]:
        """Title and text of each modal dialog that was answered."""
        return self._dialogs.seen

    def expect_dialog(self, *answers: Answer) -> None:
        """Answers the next modal dialogs: a button's text, a path for a file dialog, a text to enter, or a function of
        the dialog. A dialog that is not expected, and an expected one that does not come, fail the test."""
        self._dialogs.expect(*answers)

    def load_module(self, path: str | Path) -> Any:
        """Loads a scripted module's file, shows its panel, and gives its widget object."""
        path = Path(path).resolve()
        module_folder_on_path(path)
        self._namespace.remember_module(path.stem)
        before = self._session.module_manager.module(path.stem)
        module = qSlicerScriptedLoadableModule(path)
        self._session.add_module(path.stem, module)
        self.window.moduleSelector().selectModule(path.stem)
        if before is not None:
            before.widgetRepresentation().deleteLater()
        self.process_events()
        return getattr(self._session.modules, f"{path.stem}Widget")

    def process_events(self, for_s: float = 0.0) -> None:
        """Runs the event loop until no event waits, or for a time; raises the first exception of a slot or observer."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * for_s), loop.quit)
        loop.exec()
        self._application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self.failures.raise_first()

    def wait_until(self, predicate: Callable[[], Any], timeout_s: float = 30.0) -> None:
        """Lets the event loop run until the predicate holds.

        Raises:
            TimeoutError: it did not within the time.
        """
        end = time.monotonic() + timeout_s
        while not predicate():
            if time.monotonic() > end:
                raise TimeoutError(f"still waiting after {timeout_s} s")
            self.process_events(0.02)
        self.process_events()

    def click(self, widget: Any, position: tuple[int, int] | None = None) -> None:
        """Clicks with the left button: on the middle of a widget, or at a position in it."""
        native = to_qt(widget)
        if not native.isVisible() or not native.isEnabled():
            state = "hidden" if not native.isVisible() else "disabled"
            raise AssertionError(f"nobody can click '{native.objectName()}': it is {state}")
        dialog = QApplication.activeModalWidget()
        if dialog is not None and native.window() is not dialog:
            raise AssertionError(f"nobody can click '{native.objectName()}': '{dialog.windowTitle()}' is in the way")
        self.scroll_to(widget)
        point = QPoint(*position) if position else native.rect().center()
        self.in_event_loop(
            lambda: QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
        )

    def drag(self, widget: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drags with the left button from one position in a widget to another."""
        native, left, none = to_qt(widget), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        self.scroll_to(widget)
        QTest.mousePress(native, left, none, QPoint(*start))
        for step in range(1, 11):
            point = [round(a + (b - a) * step / 10) for a, b in zip(start, end, strict=True)]
            QTest.mouseMove(native, QPoint(*point))
            self.process_events()
        QTest.mouseRelease(native, left, none, QPoint(*end))
        self.process_events()

    def type(self, widget: Any, text: str) -> None:
        """Clicks into a field, replaces its text by typing, and presses Enter."""
        self.click(widget)
        native = to_qt(widget)
        QTest.keyClick(native, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(native, text)
        QTest.keyClick(native, Qt.Key.Key_Return)
        self.process_events()

    def choose(self, menu: str, action: str) -> None:
        """Opens a menu of the window and clicks an action in it."""
        bar = self.window.menuBar()
        [opener] = [one for one in bar.actions() if one.text().replace("&", "") == menu]
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(opener).center())
        self.process_events(0.1)
        [wanted] = [one for one in opener.menu().actions() if one.text().replace("&", "") == action]
        point = opener.menu().actionGeometry(wanted).center()
        self.in_event_loop(lambda: QTest.mouseClick(opener.menu(), Qt.MouseButton.LeftButton, pos=point))

    def in_event_loop(self, action: Callable[[], Any]) -> None:
        """Does something as a module's code does it: called by the event loop, where dialogs live as they must."""
        loop = QEventLoop()

        def act() -> None:
            try:
                action()
            finally:
                loop.quit()

        QTimer.singleShot(0, act)
        loop.exec()
        self.process_events()

    def scroll_to(self, widget: Any) -> None:
        """Brings a widget of the panel into view, once the panel has laid itself out."""
        self.process_events()
        self.window._panel.ensureWidgetVisible(to_qt(widget))
        self.process_events()

    def screenshot(self, path: str | Path, widget: Any = None) -> Path:
        """Saves a picture of the window, or of one widget, as PNG."""
        self.process_events(0.3)
        native: QObject = to_qt(widget) if widget is not None else self.window
        picture = native.grab()
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not picture.save(str(path)):
            raise OSError(f"cannot write {path}")
        return path


def _application() -> qSlicerApplication:
    existing = QApplication.instance()
    if existing is None:
        return qSlicerApplication()
    if not isinstance(existing, qSlicerApplication):
        raise RuntimeError("this process has a QApplication that is not the host's")
    return existing


def _python_slicer_on_path() -> str:
    """Makes `PythonSlicer` this Python, as Slicer's bin folder does; gives the PATH that was."""
    before = os.environ.get("PATH", "")
    folder = Path(__file__).parent / "bin"
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    os.environ["SLICER_HOST_PYTHON"] = sys.executable
    return before
