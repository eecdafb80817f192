"""The C++ side of a scripted module (Slicer/Base/QTGUI/qSlicerScriptedLoadableModule.h, ...ModuleWidget.h)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from slicer_host.mrml_widget import SceneWidget
from slicer_host.properties import computed, stored
from slicer_host.pythonqt import to_python


class qSlicerScriptedLoadableModule(QObject):
    """The `parent` of a module's class, which describes itself to it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None
        self._code = load_source(path)
        instance = getattr(self._code, path.stem)(to_python(self))
        setattr(slicer.modules, f"{path.stem}Instance", instance)
        self._instance = instance

    title = stored(str, "")
    categories = stored("QStringList", [])
    dependencies = stored("QStringList", [])
    contributors = stored("QStringList", [])
    helpText = stored(str, "")
    acknowledgementText = stored(str, "")
    icon = stored(QIcon, QIcon())
    hidden = stored(bool, False)
    index = stored(int, -1)
    path = computed(str, lambda self: str(self._path))
    name = computed(str, lambda self: self._path.stem)

    def widgetRepresentation(self) -> Any:
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self._path)
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget._set_up()
        return self._widget

    def logic(self) -> Any:
        return None


class qSlicerScriptedLoadableModuleWidget(SceneWidget):
    """The `parent` of a module's widget class, which puts its panel into it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._self: Any = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)

    moduleName = computed(str, lambda self: self._path.stem)

    mrmlSceneChanged = Signal(object)

    def _scene_changed(self) -> None:
        self.mrmlSceneChanged.emit(self._scene)

    def _set_up(self) -> None:
        """Makes the Python widget and lets it build its panel (setPythonSource, setup)."""
        class_name = f"{self._path.stem}Widget"
        self._self = getattr(sys.modules[self._path.stem], class_name)(to_python(self))
        setattr(slicer.modules, class_name, self._self)
        self._self.setup()

    def self(self) -> Any:
        return self._self

    def reload(self) -> None:
        self._set_up()

    def enter(self) -> None:
        _call_if_there(self._self, "enter")

    def exit(self) -> None:
        _call_if_there(self._self, "exit")


def load_source(path: Path) -> ModuleType:
    """Runs a module file under the name of the module (qSlicerScriptedUtils::loadSourceAsModule)."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} is no Python file")
    code = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = code
    spec.loader.exec_module(code)
    return code


def _call_if_there(widget: Any, name: str, *args: Any) -> Any:
    method = getattr(widget, name, None)
    return method(*args) if method is not None else None
