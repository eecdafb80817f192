"""A view under its controller bar, as Slicer's layouts arrange them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget


class ControllerBar(QFrame):
    """The coloured bar above a view, with its letter and the controls of its kind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = QLabel(self)
        self._label.setFixedWidth(24)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 1, 4, 1)
        self._row.setSpacing(4)
        self._row.addWidget(self._label, 0, Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._color = QColor(120, 120, 120)

    def _show_node(self, node: Any) -> None:
        self._label.setText(node.GetLayoutLabel() or "")
        self._color = QColor.fromRgbF(*node.GetLayoutColor())
        palette = self.palette()
        dark = self._color.lightness() < 128
        for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text):
            palette.setColor(self._label.foregroundRole(), QColor("white" if dark else "black"))
            palette.setColor(role, QColor("white" if dark else "black"))
        self._label.setPalette(palette)
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._color)


class ViewWidget(QWidget):
    """Bar and view of one kind; subclasses name the classes of both."""

    _bar_class: type[ControllerBar] = ControllerBar
    _view_class: type[QWidget]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar: Any = self._bar_class(self)
        self._view: Any = self._view_class(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._view)

    def _show_node(self, node: Any) -> None:
        self._bar._show_node(node)
        self._view._show_node(node)
