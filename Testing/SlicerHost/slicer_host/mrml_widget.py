"""qMRMLWidget (Slicer/Libs/MRML/Widgets/qMRMLWidget.h): a widget that knows its scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget



class qMRMLWidget(QWidget):  # noqa: N801
    """Tells its children, by a signal, which scene they belong to."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:  # noqa: N802
        return self._scene

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:  # noqa: N802
        if scene is not self._scene:
            self._scene = scene
            self._scene_changed()
            self.mrmlSceneChanged.emit(scene)

    def _scene_changed(self) -> None:
        """For widgets that show nodes of the scene."""
