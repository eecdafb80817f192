"""CTK's input widgets (CTK/Libs/Widgets/*.h)."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from slicer_host.properties import computed, delegated, stored


class ctkSliderWidget(QWidget):
    """A slider and a spin box that show one number."""

    valueChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._box = QDoubleSpinBox(self)
        self._box.setRange(0.0, 99.0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._box)
        self._slider.valueChanged.connect(self._slider_moved)
        self._box.valueChanged.connect(self._box_changed)
        self._rescale()

    singleStep = computed(float, lambda self: self._box.singleStep(), lambda self, step: self._set_step(step))
    minimum = computed(float, lambda self: self._box.minimum(), lambda self, value: self._set_limit("Minimum", value))
    maximum = computed(float, lambda self: self._box.maximum(), lambda self, value: self._set_limit("Maximum", value))
    value = delegated(float, "_box", "value", "setValue")
    decimals = computed(int, lambda self: self._box.decimals(), lambda self, value: self.setDecimals(value))
    suffix = delegated(str, "_box", "suffix", "setSuffix")

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self._rescale()

    def _set_step(self, step: float) -> None:
        self._box.setSingleStep(step)
        self._rescale()

    def _set_limit(self, which: str, value: float) -> None:
        getattr(self._box, f"set{which}")(value)
        self._rescale()

    def _rescale(self) -> None:
        """Gives the slider one position for each step of the number."""
        blocked = self._slider.blockSignals(True)
        steps = round((self._box.maximum() - self._box.minimum()) / self._step())
        self._slider.setRange(0, min(steps, 100_000))
        self._slider.blockSignals(blocked)
        self._box_to_slider()

    def _step(self) -> float:
        return self._box.singleStep() or 1.0

    def _box_to_slider(self) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round((self._box.value() - self._box.minimum()) / self._step()))
        self._slider.blockSignals(blocked)

    def _slider_moved(self, position: int) -> None:
        self._box.setValue(self._box.minimum() + position * self._step())

    def _box_changed(self, value: float) -> None:
        self._box_to_slider()
        self.valueChanged.emit(value)


class ctkPathLineEdit(QWidget):
    """A path with a button that browses for it."""

    currentPathChanged = Signal(str)

    def __init__(self, *args: Any) -> None:
        super().__init__(args[-1] if args and isinstance(args[-1], QWidget) else None)
        self._box = QComboBox(self)
        self._box.setEditable(True)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._button = QToolButton(self)
        self._button.setText("...")
        self._button.setToolTip("Open a dialog")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        layout.addWidget(self._button)
        self.setFocusProxy(self._box)
        self._button.clicked.connect(self.browse)
        self._box.editTextChanged.connect(self.currentPathChanged)

    # ctkPathLineEdit::Filter: the values of QDir::Filter.
    Dirs, Files, Drives = 0x001, 0x002, 0x004
    Readable, Writable, Executable = 0x010, 0x020, 0x040

    label = stored(str, "")
    filters = stored(int, Dirs | Files | Drives)
    nameFilters = stored("QStringList", [])
    settingKey = stored(str, "")
    currentPath = computed(str, lambda self: self._box.currentText(), lambda self, path: self.setCurrentPath(path))

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._box.setEditText(path)

    @Slot()
    def browse(self) -> None:
        start = self._box.currentText()
        if self.filters & self.Files:
            path, _ = QFileDialog.getOpenFileName(
                self, self.label or "Select a file", start, ";;".join(self.nameFilters)
            )
        else:
            path = QFileDialog.getExistingDirectory(self, self.label or "Select a directory", start)
        if path:
            self.setCurrentPath(path)

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        if self._box.currentText() and self._box.findText(self._box.currentText()) < 0:
            self._box.addItem(self._box.currentText())


class ctkMessageBox(QMessageBox):
    """The box of `slicer.util.messageBox`."""
