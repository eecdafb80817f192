"""Widgets that show a VTK render window which draws off screen.

Slicer puts a QVTKOpenGLNativeWidget there. Rendering off screen and painting the picture does not depend on the
graphics driver of the machine; the render window, its renderers and its interactor are real.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QEnterEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from vtk.util.numpy_support import vtk_to_numpy

_BUTTONS = {
    Qt.MouseButton.LeftButton: "LeftButton",
    Qt.MouseButton.MiddleButton: "MiddleButton",
    Qt.MouseButton.RightButton: "RightButton",
}


class ViewCanvas(QWidget):
    """Renders when something changed and the event loop is idle, and hands mouse and keys to VTK."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(40, 40)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.AddObserver("RenderEvent", lambda *_: self._schedule())
        self._picture: QImage | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._render)

    def _schedule(self, *_: object) -> None:
        if not self._timer.isActive() and self.isVisible():
            self._timer.start(0)

    def _render(self) -> None:
        if not self.isVisible() or self.width() < 2:
            return
        self._before_render()
        self._window.SetSize(self.width(), self.height())
        self._window.Render()
        pixels = vtk.vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, self.width() - 1, self.height() - 1, 1, pixels)
        rgba = vtk_to_numpy(pixels).reshape(self.height(), self.width(), 4)[::-1].copy()
        image = QImage(rgba.data, self.width(), self.height(), 4 * self.width(), QImage.Format.Format_RGBX8888)
        self._picture = image.copy()
        self.update()

    def _before_render(self) -> None:
        """For views that bring their renderers up to date first."""

    def _finalize(self) -> None:
        self._timer.stop()
        self._window.Finalize()

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._picture is None:
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
        else:
            painter.drawImage(self.rect(), self._picture)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._window.SetSize(self.width(), self.height())
        self._interactor.SetSize(self.width(), self.height())
        self._interactor.InvokeEvent("ConfigureEvent")
        self._schedule()

    def showEvent(self, event: QEvent) -> None:
        super().showEvent(event)
        self._schedule()

    def _tell_position(self, event: QMouseEvent | QWheelEvent) -> None:
        modifiers = event.modifiers()
        self._interactor.SetEventInformationFlipY(
            int(event.position().x()),
            int(event.position().y()),
            int(bool(modifiers & Qt.KeyboardModifier.ControlModifier)),
            int(bool(modifiers & Qt.KeyboardModifier.ShiftModifier)),
            "\0",
            0,
            None,
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._tell_position(event)
        if event.button() in _BUTTONS:
            self._interactor.InvokeEvent(f"{_BUTTONS[event.button()]}PressEvent")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._tell_position(event)
        if event.button() in _BUTTONS:
            self._interactor.InvokeEvent(f"{_BUTTONS[event.button()]}ReleaseEvent")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._tell_position(event)
        self._interactor.InvokeEvent("MouseMoveEvent")

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._tell_position(event)
        forward = event.angleDelta().y() > 0
        self._interactor.InvokeEvent("MouseWheelForwardEvent" if forward else "MouseWheelBackwardEvent")

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._interactor.InvokeEvent("EnterEvent")

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._interactor.InvokeEvent("LeaveEvent")


class ManagedView(ViewCanvas):
    """A ctkVTKAbstractView (CTK/Libs/Visualization/VTK/Widgets/ctkVTKAbstractView.h) in which the real displayable
    managers draw the scene."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._group: Any = None
        self._style: Any = None

    def _manage(self, factory: Any, managers: Iterable[str], style: Any, node: Any) -> None:
        """Lets displayable managers of a factory draw the scene for a view node; `style` passes them the mouse."""
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.Initialize(factory, self._renderer)
        self._group.AddObserver(vtk.vtkCommand.UpdateEvent, self._schedule)
        self._style = style
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        style.SetDisplayableManagers(self._group)
        style.SetInteractor(self._interactor)
        self._group.SetMRMLDisplayableNode(node)

    def displayableManagerByClassName(self, name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(name)

    def interactor(self) -> Any:
        return self._interactor
