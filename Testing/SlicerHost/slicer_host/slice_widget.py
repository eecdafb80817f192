"""qMRMLSliceWidget and its bar (Slicer/Libs/MRML/Widgets/qMRMLSliceWidget.h, qMRMLSliceControllerWidget.h)."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from slicer_host.ctk_inputs import ctkSliderWidget
from slicer_host.slice_view import qMRMLSliceView
from slicer_host.view_widget import ControllerBar, ViewWidget


class qMRMLSliceControllerWidget(ControllerBar):
    """The letter of a slice and the slider that moves it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic: Any = None
        self._slider = ctkSliderWidget(self)
        self._slider.decimals = 3
        self._slider.suffix = "mm"
        self._slider.valueChanged.connect(self.setSliceOffsetValue)
        self._row.addWidget(self._slider)

    def _show_logic(self, logic: Any) -> None:
        self._logic = logic
        for observed in (logic, logic.GetSliceNode()):
            observed.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update)
        self._update()

    def _update(self, *_: object) -> None:
        if self._logic.GetSliceNode() is None:
            return
        self._show_node(self._logic.GetSliceNode())
        offsets, resolution = [0.0, 0.0], vtk.reference(1.0)
        blocked = self._slider.blockSignals(True)
        if self._logic.GetSliceOffsetRangeResolution(offsets, resolution):
            self._slider.singleStep = max(float(resolution), 1e-3)
            self._slider.minimum, self._slider.maximum = sorted(offsets)
        self._slider.setValue(self._logic.GetSliceOffset())
        self._slider.blockSignals(blocked)

    def sliceOffsetSlider(self) -> ctkSliderWidget:
        return self._slider

    @Slot(float)
    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(offset)
        self._logic.EndSliceOffsetInteraction()


class qMRMLSliceWidget(ViewWidget):
    """A slice view under its controller bar."""

    _bar_class = qMRMLSliceControllerWidget
    _view_class = qMRMLSliceView

    def _show_logic(self, logic: Any) -> None:
        self._logic = logic
        self._view._show_logic(logic)
        self._bar._show_logic(logic)

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._bar

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()
