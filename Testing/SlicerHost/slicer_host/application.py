"""slicer.app (Slicer/Base/QTGUI/qSlicerApplication.h, Slicer/Base/QTCore/qSlicerCoreApplication.h)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QProcessEnvironment, QSettings, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from slicer_host.properties import computed

# qSlicerCoreApplication::ReturnCode
EXIT_SUCCESS, EXIT_FAILURE = 0, 1


class qSlicerApplication(QApplication):
    """One for the process; each host gives it a new scene, new logics and a new settings file."""

    mrmlSceneChanged = Signal(object)
    startupCompleted = Signal()

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("NA-MIC")
        self.setStyle("Fusion")
        font = QFont("DejaVu Sans", 9)
        self.setFont(font)
        self._session: Any = None

    def _open(self, session: Any) -> None:
        self._session = session

    temporaryPath = computed(str, lambda self: str(self._session.folder / "tmp"))
    cachePath = computed(str, lambda self: str(self._session.folder / "cache"))
    slicerUserSettingsFilePath = computed(str, lambda self: self._session.settings.fileName())
    os = computed(str, lambda self: {"linux": "linux", "darwin": "macosx", "win32": "win"}[sys.platform])
    platform = computed(str, lambda self: "linux-amd64")
    revision = computed(str, lambda self: "0")

    def mrmlScene(self) -> Any:
        return self._session.scene

    def applicationLogic(self) -> Any:
        return self._session.application_logic

    def layoutManager(self) -> Any:
        return self._session.layout_manager

    def moduleManager(self) -> Any:
        return self._session.module_manager

    def settings(self) -> QSettings:
        return self._session.settings

    def userSettings(self) -> QSettings:
        return self._session.settings

    def environment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def testingEnabled(self) -> bool:
        return False

    def coreIOManager(self) -> Any:
        return self._session.io_manager

    def ioManager(self) -> Any:
        return self._session.io_manager

    def restart(self) -> None:
        """Notes that the module asked for a restart. A real one would end the tests."""
        self._session.restart_wanted = True

    def dicomDatabase(self) -> Any:
        return self._session.dicom_database


def new_scene() -> Any:
    """A scene as qSlicerCoreApplication::setMRMLScene prepares it."""
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())  # as the Colors module does
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    return scene


def new_application_logic(scene: Any, folder: Path) -> Any:
    """The application logic of a scene, with its colours, its slice logics and its displayable managers."""
    for name in ("tmp", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetTemporaryPath(str(folder / "tmp"))
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    logic.SetMRMLScene(scene)
    colors = logic.GetColorLogic()
    colors.SetMRMLScene(scene)
    colors.AddDefaultColorNodes()
    _attach_cache(scene, logic, folder / "cache")
    for factory in (
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    return logic


def _attach_cache(scene: Any, logic: Any, folder: Path) -> None:
    """Where the scene unpacks bundles (qSlicerCoreApplicationPrivate::init)."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.GetCacheManager().SetRemoteCacheDirectory(str(folder))
    remote.SetMRMLScene(scene)
    remote.AddDataIOToScene()
    logic.__dict__["_remote_io"] = remote
