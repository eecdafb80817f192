"""qMRMLSliceWidget and its bar (Slicer/Libs/MRML/Widgets/qMRMLSliceWidget.h, qMRMLSliceControllerWidget.h)."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QToolButton, QWidget

from slicer_host.ctk_inputs import ctkSliderWidget
from slicer_host.properties import computed
from slicer_host.slice_view import qMRMLSliceView
from slicer_host.view_widget import ControllerBar, ViewWidget


class qMRMLSliceControllerWidget(ControllerBar):
    """Letter, 'fit to window' button and offset slider of a slice."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic: Any = None
        self._fit = QToolButton(self)
        self._fit.setIcon(_fit_icon())
        self._fit.setFixedSize(20, 18)
        self._fit.setToolTip(
            "Adjust the slice viewer's field of view to match the extent of lowest non-null volume layer."
        )
        self._fit.setAutoRaise(True)
        self._fit.clicked.connect(self.fitSliceToBackground)
        self._slider = ctkSliderWidget(self)
        self._slider.decimals = 3
        self._slider.suffix = "mm"
        self._slider.valueChanged.connect(self.setSliceOffsetValue)
        self._row.addWidget(self._fit)
        self._row.addWidget(self._slider)

    def _show_logic(self, logic: Any) -> None:
        self._logic = logic
        node = logic.GetSliceNode()
        for observed in (logic, node):
            observed.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update)
        self._update()

    def _update(self, *_: object) -> None:
        node = self._logic.GetSliceNode()
        if node is None:
            return
        self._show_node(node)
        offsets, resolution = [0.0, 0.0], vtk.reference(1.0)
        blocked = self._slider.blockSignals(True)
        if self._logic.GetSliceOffsetRangeResolution(offsets, resolution):
            self._slider.singleStep = max(float(resolution), 1e-3)
            self._slider.minimum, self._slider.maximum = sorted(offsets)
        normal = [node.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
        positive, negative = (node.GetDirectionLabel(normal, end) for end in (True, False))
        self._slider.toolTip = f"{negative} <-----> {positive}"
        self._slider.prefix = f"{positive}: "
        self._slider.setValue(self._logic.GetSliceOffset())
        self._slider.blockSignals(blocked)

    sliceViewLabel = computed(str, lambda self: self._logic.GetSliceNode().GetLayoutLabel())
    sliceViewName = computed(str, lambda self: self._logic.GetSliceNode().GetLayoutName())
    sliceOrientation = computed(
        str,
        lambda self: self._logic.GetSliceNode().GetOrientation(),
        lambda self, name: self.setSliceOrientation(name),
    )

    def sliceOffsetSlider(self) -> ctkSliderWidget:
        return self._slider

    def fitToWindowToolButton(self) -> QToolButton:
        return self._fit

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    @Slot()
    def fitSliceToBackground(self) -> None:
        self._logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.ResetFieldOfViewFlag)
        self._logic.FitSliceToAll()
        self._logic.GetSliceNode().UpdateMatrices()
        self._logic.EndSliceNodeInteraction()

    @Slot(float)
    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(offset)
        self._logic.EndSliceOffsetInteraction()

    @Slot(str)
    def setSliceOrientation(self, orientation: str) -> None:
        self._logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.OrientationFlag)
        self._logic.GetSliceNode().SetOrientation(orientation)
        self._logic.EndSliceNodeInteraction()

    @Slot(bool)
    def setSliceLink(self, linked: bool) -> None:
        self._logic.GetSliceCompositeNode().SetLinkedControl(linked)


class qMRMLSliceWidget(ViewWidget):
    """A slice view under its controller bar."""

    _bar_class = qMRMLSliceControllerWidget
    _view_class = qMRMLSliceView

    def _show_logic(self, logic: Any) -> None:
        self._view._show_logic(logic)
        self._bar._show_logic(logic)

    sliceViewLabel = computed(str, lambda self: self.mrmlSliceNode().GetLayoutLabel())
    sliceViewName = computed(str, lambda self: self.mrmlSliceNode().GetLayoutName())
    sliceOrientation = computed(
        str,
        lambda self: self.mrmlSliceNode().GetOrientation(),
        lambda self, name: self._bar.setSliceOrientation(name),
    )

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._bar

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def sliceLogic(self) -> Any:
        return self._bar.sliceLogic()

    def mrmlSliceNode(self) -> Any:
        return self._bar.mrmlSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._bar.mrmlSliceCompositeNode()

    @Slot()
    def fitSliceToBackground(self) -> None:
        self._bar.fitSliceToBackground()


def _fit_icon() -> QIcon:
    """Four corners, as on Slicer's button."""
    picture = QPixmap(28, 28)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(QPen(QColor(40, 40, 40), 3))
    for x, toward_x in ((4, 1), (24, -1)):
        for y, toward_y in ((4, 1), (24, -1)):
            painter.drawLine(x, y, x + 7 * toward_x, y)
            painter.drawLine(x, y, x, y + 7 * toward_y)
    painter.end()
    return QIcon(picture)
