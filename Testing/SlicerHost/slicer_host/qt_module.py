"""The module `qt` of Slicer: PythonQt's QtCore, QtGui, QtWidgets, QtNetwork and QtUiTools in one namespace."""

from __future__ import annotations

import enum
import inspect
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtWidgets

from slicer_host.enumerations import EnumScope
from slicer_host.pythonqt import Method, face_class
from slicer_host.ui_loader import UiLoader

_SOURCES = (QtWidgets, QtGui, QtCore, QtNetwork, QtSvg)
_OWN = {"QUiLoader": UiLoader}
# PySide6 offers these helpers of its own; PythonQt does not.
_NOT_IN_PYTHONQT = {"Signal", "SignalInstance", "Slot", "Property", "ClassInfo", "QEnum", "QFlag", "Nullptr"}


class QtModule(ModuleType):
    """Gives each Qt class its PythonQt face when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in _NOT_IN_PYTHONQT:
            raise AttributeError(f"module 'qt' has no attribute '{name}'")
        value = _OWN.get(name)
        for source in _SOURCES:
            value = value if value is not None else getattr(source, name, None)
        if inspect.isclass(value) and not issubclass(value, enum.Enum):
            return face_class(value)
        if inspect.isclass(value):
            return EnumScope(value)
        if callable(value):
            return Method(value)
        raise AttributeError(f"module 'qt' has no attribute '{name}'")
