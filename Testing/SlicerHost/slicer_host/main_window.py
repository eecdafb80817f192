"""The main window (Slicer/Base/QTApp/qSlicerMainWindow.h): module panel on the left, views on the right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFrame,
    QLabel,
    QMainWindow,
    QMenu,
    QScrollArea,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from slicer_host.ctk_collapsible import ctkCollapsibleButton
from slicer_host.properties import computed


class qSlicerModuleSelectorToolBar(QToolBar):
    """Chooses the module that the panel shows."""

    moduleSelected = Signal(str)

    def __init__(self, window: qSlicerMainWindow, manager: Any) -> None:
        super().__init__("Module Selection", window)
        self._manager = manager
        self._box = QComboBox(self)
        self._box.setMinimumWidth(220)
        self._box.activated.connect(lambda row: self.selectModule(self._box.itemData(row)))
        self.addWidget(QLabel(" Modules: ", self))
        self.addWidget(self._box)

    selectedModule = computed(str, lambda self: self._box.currentData() or "")

    def _offer(self, name: str, title: str) -> None:
        if self._box.findData(name) < 0:
            self._box.addItem(title, name)

    @Slot(str)
    def selectModule(self, name: str) -> None:
        module = self._manager.module(name)
        if module is None or not hasattr(module, "widgetRepresentation"):
            raise ValueError(f"there is no module '{name}' with a panel")
        self._box.setCurrentIndex(self._box.findData(name))
        self.moduleSelected.emit(name)


class ModulePanel(QScrollArea):
    """The scrolled column with the chosen module's help and widgets."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._shown: Any = None

    def _show_module(self, module: Any) -> None:
        if self._shown is not None:
            self._shown.widgetRepresentation().exit()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(_help(module))
        column.addWidget(module.widgetRepresentation())
        column.addStretch(1)
        if self.widget() is not None and self._shown is not None:
            self._shown.widgetRepresentation().setParent(None)
        self.setWidget(content)
        module.widgetRepresentation().show()
        self._shown = module
        module.widgetRepresentation().enter()


def _help(module: Any) -> ctkCollapsibleButton:
    button = ctkCollapsibleButton("Help && Acknowledgement")
    text = QLabel(module.helpText + module.acknowledgementText)
    text.setWordWrap(True)
    text.setTextFormat(Qt.TextFormat.RichText)
    text.setOpenExternalLinks(False)
    QVBoxLayout(button).addWidget(text)
    button.setChecked(False)
    return button


class qSlicerMainWindow(QMainWindow):
    """The window of the application."""

    def __init__(self, manager: Any, io_manager: Any) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer 5.12.4")
        self._manager = manager
        self._viewport = QWidget(self)
        self._viewport.setObjectName("CentralWidgetLayoutFrame")
        self.setCentralWidget(self._viewport)
        self._panel = ModulePanel(self)
        dock = QDockWidget("", self)
        dock.setObjectName("PanelDockWidget")
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(self._panel)
        dock.setMinimumWidth(480)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        menus = [self.menuBar().addMenu(title) for title in ("&File", "&Edit", "&View", "&Help")]
        self._add_file_actions(menus[0])
        self._recent = menus[0].addMenu("&Recent")
        self._recent.setObjectName("RecentlyLoadedMenu")
        io_manager.newFileLoaded.connect(self._add_to_recent_files)
        io_manager.fileSaved.connect(self._file_saved)
        self._selector = qSlicerModuleSelectorToolBar(self, manager)
        self._selector.setMovable(False)
        self._selector.moduleSelected.connect(lambda name: self._panel._show_module(manager.module(name)))
        self.addToolBar(self._selector)
        self.statusBar()

    def _add_file_actions(self, menu: QMenu) -> None:
        actions = {
            "FileAddDataAction": ("&Add Data", lambda: slicer.app.ioManager().openAddDataDialog()),
            "FileSaveSceneAction": ("&Save Data", lambda: slicer.app.ioManager().openSaveDataDialog()),
            "FileCloseSceneAction": ("Close Scene", lambda: slicer.mrmlScene.Clear(0)),
        }
        for name, (title, act) in actions.items():
            action = menu.addAction(title)
            action.setObjectName(name)
            action.triggered.connect(act)

    def _add_to_recent_files(self, properties: dict[str, Any]) -> None:
        """Puts a file on top of File > Recent (addFileToRecentFiles); files that do not exist are grey."""
        path = str(properties["fileName"])
        known = [action.text() for action in self._recent.actions() if action.text() != path]
        self._recent.clear()
        for name in [path, *known]:
            self._recent.addAction(name).setEnabled(Path(name).exists())

    def _file_saved(self, properties: dict[str, Any]) -> None:
        """Puts scenes, and no other files, into File > Recent (onFileSaved)."""
        if str(properties["fileName"]).lower().endswith((".mrml", ".mrb")):
            self._add_to_recent_files(properties)

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self._selector
