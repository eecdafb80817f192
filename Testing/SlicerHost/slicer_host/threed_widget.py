"""qMRMLThreeDWidget and qMRMLThreeDView (Slicer/Libs/MRML/Widgets/qMRMLThreeDWidget.h, qMRMLThreeDView.h)."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from slicer_host.slice_widget import ControllerBar
from slicer_host.view_canvas import ViewCanvas

# qMRMLThreeDView.cxx, initDisplayableManagers: those that slicer-core has.
_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLVolumeRenderingDisplayableManager",
)


class qMRMLThreeDView(ViewCanvas):
    """A 3D view drawn by the real displayable managers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer = vtk.vtkRenderer()
        self._renderer.GradientBackgroundOn()
        self._window.AddRenderer(self._renderer)
        self._group: Any = None
        self._style: Any = None
        self._node: Any = None

    def _show_node(self, node: Any) -> None:
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        for name in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._node = node
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.Initialize(factory, self._renderer)
        self._group.AddObserver(vtk.vtkCommand.UpdateEvent, self._schedule)
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._interactor)
        self._group.SetMRMLDisplayableNode(node)
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._node_changed)
        self._node_changed()

    def _node_changed(self, *_: object) -> None:
        self._renderer.SetBackground(self._node.GetBackgroundColor())
        self._renderer.SetBackground2(self._node.GetBackgroundColor2())
        self._schedule()

    def mrmlViewNode(self) -> Any:
        return self._node

    @Slot()
    def resetFocalPoint(self) -> None:
        bounds = self._renderer.ComputeVisiblePropBounds()
        if bounds[0] <= bounds[1]:
            center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
            self._renderer.GetActiveCamera().SetFocalPoint(center)
        self._schedule()

    def resetCamera(self, *_: bool) -> None:
        self._renderer.ResetCamera()
        self._schedule()

    @Slot()
    def scheduleRender(self) -> None:
        self._schedule()

    @Slot()
    def forceRender(self) -> None:
        self._render()

    def renderWindow(self) -> Any:
        return self._window

    def interactor(self) -> Any:
        return self._interactor

    def displayableManagerByClassName(self, name: str) -> Any:
        return self._group.GetDisplayableManagerByClassName(name)


class qMRMLThreeDWidget(QWidget):
    """A 3D view under its controller bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar = ControllerBar(self)
        self._bar._row.addStretch(1)
        self._view = qMRMLThreeDView(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._view)

    def _show_node(self, node: Any) -> None:
        self._bar._show_node(node)
        self._view._show_node(node)

    def threeDView(self) -> qMRMLThreeDView:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()
