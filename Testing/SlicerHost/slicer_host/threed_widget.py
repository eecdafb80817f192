"""qMRMLThreeDWidget and qMRMLThreeDView (Slicer/Libs/MRML/Widgets/qMRMLThreeDWidget.h, qMRMLThreeDView.h)."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtWidgets import QWidget

from slicer_host.view_canvas import ManagedView
from slicer_host.view_widget import ViewWidget

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


class qMRMLThreeDView(ManagedView):
    """A 3D view drawn by the real displayable managers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer.GradientBackgroundOn()
        self._node: Any = None

    def _show_node(self, node: Any) -> None:
        self._node = node
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        self._manage(factory, _MANAGERS, slicer.vtkMRMLThreeDViewInteractorStyle(), node)
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._node_changed)
        self._node_changed()

    def _node_changed(self, *_: object) -> None:
        self._renderer.SetBackground(self._node.GetBackgroundColor())
        self._renderer.SetBackground2(self._node.GetBackgroundColor2())
        self._schedule()

    def resetCamera(self, *_: bool) -> None:
        self._renderer.ResetCamera()
        self._schedule()


class qMRMLThreeDWidget(ViewWidget):
    """A 3D view under its controller bar."""

    _view_class = qMRMLThreeDView

    def threeDView(self) -> qMRMLThreeDView:
        return self._view
