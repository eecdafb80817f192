"""Puts Slicer's modules where `import` finds them, for as long as a host is open."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
import slicer.util

from slicer_host import (
    i18n,
    parameter_node,
    parameter_types,
    scripted_loadable_module,
)
from slicer_host.dicom import dicom_lib
from slicer_host.pythonqt import face_class, to_python
from slicer_host.qt_module import QtModule
from slicer_host.widgets import CTK, SLICER

IMPORTED_LATER = Path(__file__).parent / "imported_later"
"""Modules of the package slicer that Slicer does not import at its start: `slicer` has them once they are imported."""


class Namespace:
    """Remembers what it replaced, and puts it back."""

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType | None] = {}
        self._attributes: dict[str, Any] = {}
        self._path = list(sys.path)

    def open(self, application: Any, scene: Any, modules: ModuleType) -> None:
        """Makes qt, ctk, slicer.app and the others importable."""
        self._hide_what_slicer_does_not_have()
        for name, module in _modules().items():
            self._install(name, module)
        widgets = {cls.__name__: face_class(cls) for cls in SLICER}
        own = {"app": to_python(application), "mrmlScene": scene, "modules": modules, **widgets}
        for name, value in own.items():
            self._set(name, value)
        sys.modules["slicer.modules"] = modules
        self._modules.setdefault("slicer.modules", None)
        slicer.__path__.append(str(IMPORTED_LATER))
        for file in IMPORTED_LATER.glob("*.py"):
            name = f"slicer.{file.stem}"
            self._modules.setdefault(name, sys.modules.pop(name, None))
            self._attributes.setdefault(file.stem, slicer.__dict__.pop(file.stem, _ABSENT))

    def close(self) -> None:
        """Takes everything out again."""
        for name, module in self._modules.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        for name, value in self._attributes.items():
            if value is _ABSENT:
                slicer.__dict__.pop(name, None)
            else:
                setattr(slicer, name, value)
        sys.path[:] = self._path
        slicer.__path__.remove(str(IMPORTED_LATER))

    def remember_module(self, name: str) -> None:
        """Notes a module that the host is about to load, to take it out at the end."""
        self._modules.setdefault(name, sys.modules.get(name))

    def _install(self, name: str, module: ModuleType) -> None:
        self._modules.setdefault(name, sys.modules.get(name))
        sys.modules[name] = module
        package, _, child = name.rpartition(".")
        if package == "slicer":
            self._set(child, module)

    def _set(self, name: str, value: Any) -> None:
        self._attributes.setdefault(name, slicer.__dict__.get(name, _ABSENT))
        setattr(slicer, name, value)

    def _hide_what_slicer_does_not_have(self) -> None:
        """slicer-core copies all of slicer.util into `slicer`; Slicer does not."""
        for name, value in list(vars(slicer).items()):
            copied = getattr(slicer.util, name, _ABSENT) is value and not name.startswith("_")
            if copied and name not in ("slicer", "sys", "util"):
                self._attributes.setdefault(name, value)
                delattr(slicer, name)


_ABSENT = object()


def _modules() -> dict[str, ModuleType]:
    dicom_package, dicom_utils = dicom_lib()
    scripted = _public(scripted_loadable_module, "ScriptedLoadableModule", "ScriptedLoadableModule")
    return {
        "qt": QtModule("qt"),
        "ctk": _ctk(),
        "slicer.i18n": _public(i18n, "slicer.i18n", "tr", "translate"),
        "slicer.ScriptedLoadableModule": scripted,
        "slicer.parameterNodeWrapper": _parameter_node_module(),
        "DICOMLib": dicom_package,
        "DICOMLib.DICOMUtils": dicom_utils,
    }


def _public(source: ModuleType, name: str, *prefixes: str) -> ModuleType:
    """A module with those names of `source` that start with one of the prefixes."""
    module = ModuleType(name)
    module.__file__ = source.__file__
    found = {key: value for key, value in vars(source).items() if key.startswith(prefixes)}
    module.__dict__.update(found)
    module.__dict__["__all__"] = list(found)
    return module


def _parameter_node_module() -> ModuleType:
    module = ModuleType("slicer.parameterNodeWrapper")
    types = ("Default", "Validator", "WithinRange")
    found = {name: getattr(parameter_types, name) for name in types}
    found |= {name: getattr(parameter_node, name) for name in ("parameterNodeWrapper", "isParameterNodeWrapper")}
    module.__dict__.update(found, __all__=list(found))
    return module


def _ctk() -> ModuleType:
    module = ModuleType("ctk")
    module.__dict__.update({cls.__name__: face_class(cls) for cls in CTK})
    return module


def module_folder_on_path(path: Path) -> None:
    """qSlicerScriptedLoadableModuleFactory adds a module's folder to the search path."""
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
