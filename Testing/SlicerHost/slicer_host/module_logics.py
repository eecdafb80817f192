"""slicer.modules and the built-in modules whose logics slicer-core has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal

from slicer_host.properties import stored

_SHARE = Path(__file__).parent / "share"
"""The files that a logic of Slicer reads, in a folder named after its module."""

# Module name -> logic class. Modules whose share folder holds files that the logic reads are named in the core package.
_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Units": "vtkSlicerUnitsLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}


class qSlicerLoadableModule(QObject):
    """A built-in module: its name and its logic."""

    def __init__(self, name: str, logic: Any, parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._logic = logic
        self.title = name

    title = stored(str, "")

    def logic(self) -> Any:
        return self._logic


class qSlicerModuleManager(QObject):
    """slicer.app.moduleManager() (Slicer/Base/QTCore/qSlicerModuleManager.h)."""

    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}

    def _add(self, name: str, module: Any) -> None:
        self._modules[name] = module

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def module(self, name: str) -> Any:
        return self._modules.get(name)


def built_in_modules(
    scene: Any, application_logic: Any, manager: qSlicerModuleManager
) -> dict[str, qSlicerLoadableModule]:
    """The built-in modules, by their name in `slicer.modules`."""
    modules = {}
    for name, class_name in _LOGICS.items():
        logic = application_logic.GetColorLogic() if name == "Colors" else getattr(slicer, class_name)()
        if (_SHARE / name).is_dir():
            logic.SetModuleShareDirectory(str(_SHARE / name))
        logic.SetMRMLScene(scene)
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.SetModuleLogic(name, logic)
        modules[name.lower()] = qSlicerLoadableModule(name, logic, manager)
        manager._add(name, modules[name.lower()])
    return modules
