"""qMRMLSliceView (Slicer/Libs/MRML/Widgets/qMRMLSliceView.h): one slice, drawn by the real displayable managers."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from slicer_host.view_canvas import ManagedView

# qMRMLSliceView.cxx, initDisplayableManagers: those that slicer-core has.
_MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class qMRMLSliceView(ManagedView):
    """Shows the picture of a slice logic, and the displayable nodes on it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image = vtk.vtkActor2D()
        self._image.SetMapper(self._mapper)
        self._image.GetProperty().SetDisplayLocationToBackground()
        self._logic: Any = None

    def _show_logic(self, logic: Any) -> None:
        """Attaches the view to a slice logic that has its slice node."""
        self._logic = logic
        style = slicer.vtkMRMLSliceViewInteractorStyle()
        style.SetSliceLogic(logic)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._manage(factory, _MANAGERS, style, logic.GetSliceNode())
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._logic_changed)
        self._logic_changed()

    def _logic_changed(self, *_: object) -> None:
        connection = self._logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        shown = self._renderer.HasViewProp(self._image)
        if connection is not None and not shown:
            self._renderer.AddViewProp(self._image)
        elif connection is None and shown:
            self._renderer.RemoveViewProp(self._image)
        self._schedule()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._logic is not None:
            self._logic.ResizeSliceNode(self.width(), self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        font = painter.font()
        font.setPointSize(9)
        painter.setFont(font)
        lines = self._annotation()
        height = painter.fontMetrics().height()
        for row, line in enumerate(reversed(lines)):
            baseline = self.height() - 8 - row * height
            painter.setPen(QColor(0, 0, 0))
            painter.drawText(9, baseline + 1, line)
            painter.setPen(QColor(235, 235, 200))
            painter.drawText(8, baseline, line)

    def _annotation(self) -> list[str]:
        """Returns the lines that the Data Probe module writes into the corner: the names of the volumes."""
        composite = self._logic.GetSliceCompositeNode() if self._logic is not None else None
        if composite is None:
            return []
        scene = composite.GetScene()
        ids = [(layer, getattr(composite, f"Get{layer}VolumeID")()) for layer in _LAYERS]
        volumes = [(layer, scene.GetNodeByID(node_id)) for layer, node_id in ids if node_id]
        mixed = composite.GetForegroundOpacity()
        return [
            f"{layer[0]}: {volume.GetName()}" + (f" ({mixed:.0%})" if layer == "Foreground" else "")
            for layer, volume in volumes
            if volume is not None
        ]

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()


_LAYERS = ("Label", "Foreground", "Background")
