"""One session of the application: scene, logics, settings, layout, modules."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from PySide6.QtCore import QSettings

from slicer_host.application import new_application_logic, new_scene
from slicer_host.dicom import ctkDICOMDatabase
from slicer_host.io_manager import qSlicerIOManager
from slicer_host.layout_manager import qSlicerLayoutManager
from slicer_host.main_window import qSlicerMainWindow
from slicer_host.module_logics import built_in_modules, qSlicerModuleManager
from slicer_host.pythonqt import to_python
from slicer_host.subject_hierarchy import SubjectHierarchyItems


class Session:
    """Opens with the main window not shown yet; `close` ends everything."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slicer-host-"))
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(self.folder))
        self.settings = QSettings()  # the file that every other QSettings() reads, as in Slicer
        defaults = {"Developer/SelfTestDisplayMessageDelay": 750}  # qSlicerSettingsDeveloperPanel
        for key, value in {**defaults, **settings}.items():
            self.settings.setValue(key, value)
        self.scene = new_scene()
        self.application_logic = new_application_logic(self.scene, self.folder)
        self.module_manager = qSlicerModuleManager()
        self.modules = ModuleType("slicer.modules")
        self.dicom_database = ctkDICOMDatabase()
        self.io_manager = qSlicerIOManager(self)
        self.restart_wanted = False
        for name, module in built_in_modules(self.scene, self.application_logic, self.module_manager).items():
            setattr(self.modules, name, to_python(module))
        self.window = qSlicerMainWindow(self.module_manager, self.io_manager)
        self.layout_manager = qSlicerLayoutManager(self.window._viewport, self.scene, self.application_logic)
        self._hierarchy_items = SubjectHierarchyItems(self.scene)

    def add_module(self, name: str, module: Any) -> None:
        """Makes a module known as `slicer.modules.<name in lower case>`, and in the window."""
        setattr(self.modules, name.lower(), to_python(module))
        self.module_manager._add(name, module)
        self.window.moduleSelector()._offer(name, module.title)

    def close(self) -> None:
        """Tells the modules that they are unloaded, closes the window and forgets the scene."""
        for name in self.module_manager.modulesNames():
            self.module_manager.moduleAboutToBeUnloaded.emit(name)
        self.window.hide()
        self.layout_manager._close()
        self.scene.RemoveAllObservers()
        self.scene.Clear(1)
        self.window.deleteLater()
        shutil.rmtree(self.folder, ignore_errors=True)
