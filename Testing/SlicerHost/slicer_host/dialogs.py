"""Modal dialogs: answered as a test has said, in the order in which they come; one that nobody expects is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)

from slicer_host.failures import Failures

Answer = str | Path | Callable[[QDialog], None]


class Dialogs:
    """Watches for modal dialogs from inside their own event loops; where hosts nest, the innermost one does."""

    _open: ClassVar[list[Dialogs]] = []

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self._answers: list[Answer] = []
        self.seen: list[str] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(50)
        self._open.append(self)

    def expect(self, *answers: Answer) -> None:
        """Adds answers: a button's text, a path for a file dialog, a text to enter, or a function."""
        self._answers += answers

    def close(self) -> None:
        """Watches no more; answers that were not needed are an error."""
        self._timer.stop()
        self._open.remove(self)
        if self._answers:
            self._failures.exceptions.append(AssertionError(f"no dialog asked for {self._answers}"))

    def _look(self) -> None:
        dialog = QApplication.activeModalWidget()
        if self is not self._open[-1] or not isinstance(dialog, QDialog) or not dialog.isVisible():
            return
        if dialog.property("closesItself"):
            return
        text = _text(dialog)
        self.seen.append(text)
        if not self._answers:
            self._failures.exceptions.append(AssertionError(f"nobody expected this dialog: {text}"))
            dialog.reject()
            return
        answer = self._answers.pop(0)
        try:
            _give(dialog, answer)
        except Exception:
            dialog.reject()
            raise


def _text(dialog: QDialog) -> str:
    if isinstance(dialog, QMessageBox):
        return f"{dialog.windowTitle().strip()}: {dialog.text()}"
    if isinstance(dialog, QInputDialog):
        return f"{dialog.windowTitle()}: {dialog.labelText()}"
    return dialog.windowTitle()


def _give(dialog: QDialog, answer: Answer) -> None:
    if callable(answer):
        answer(dialog)
    elif isinstance(dialog, QFileDialog):
        dialog.findChild(QLineEdit, "fileNameEdit").setText(str(answer))
        dialog.accept()
    elif isinstance(dialog, QInputDialog):
        dialog.setTextValue(str(answer))
        dialog.accept()
    else:
        _button(dialog, str(answer)).click()


def _button(dialog: QWidget, text: str) -> QPushButton:
    buttons = {button.text().replace("&", ""): button for button in dialog.findChildren(QPushButton)}
    if text not in buttons:
        raise AssertionError(f"the dialog has no button '{text}', only {list(buttons)}")
    return buttons[text]
