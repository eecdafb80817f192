"""qMRMLWidget (Slicer/Libs/MRML/Widgets/qMRMLWidget.h), and the base of all widgets that know their scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget


class SceneWidget(QWidget):
    """Remembers its scene."""

    _scene: Any = None

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self._scene_changed()

    def _scene_changed(self) -> None:
        """For widgets that do something with their scene."""


class qMRMLWidget(SceneWidget):
    """Tells its children, by a signal, which scene they belong to."""

    mrmlSceneChanged = Signal(object)

    def mrmlScene(self) -> Any:
        return self._scene

    def _scene_changed(self) -> None:
        self.mrmlSceneChanged.emit(self._scene)
