"""The base classes of scripted modules (Slicer/Base/Python/slicer/ScriptedLoadableModule.py)."""

from __future__ import annotations

import importlib
import unittest
from pathlib import Path
from typing import Any

import slicer


class ScriptedLoadableModule:
    """Describes a module to the application."""

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        folder = Path(parent.path).parent / "Resources" / "Icons"
        icons = [folder / f"{self.moduleName}{suffix}" for suffix in (".svg", ".png")]
        found = next((icon for icon in icons if icon.is_file()), None)
        if found is not None:
            parent.icon = importlib.import_module("qt").QIcon(str(found))
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        """Path of a file below the module's Resources folder."""
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def runTest(self, msec: int = 100, **kwargs: Any) -> None:
        """Runs the module's test case."""
        module = importlib.import_module(type(self).__module__)
        test = getattr(module, f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    """Builds a module's panel into `parent`."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        qt = importlib.import_module("qt")
        if parent is None:
            parent = slicer.qMRMLWidget()
            parent.setLayout(qt.QVBoxLayout())
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        """Path of a file below the module's Resources folder."""
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """Builds the panel; a module extends it."""
        self.setupDeveloperSection()

    def setupDeveloperSection(self) -> None:
        """The section 'Reload & Test', in developer mode."""
        if not self.developerMode:
            return
        ctk, qt = importlib.import_module("ctk"), importlib.import_module("qt")
        self.reloadCollapsibleButton = ctk.ctkCollapsibleButton()
        self.reloadCollapsibleButton.text = "Reload && Test"
        self.layout.addWidget(self.reloadCollapsibleButton)
        form = qt.QFormLayout(self.reloadCollapsibleButton)
        self.reloadButton = qt.QPushButton("Reload")
        self.reloadButton.toolTip = "Reload this module."
        self.reloadButton.connect("clicked()", self.onReload)
        self.reloadTestMenu = qt.QMenu()
        self.testAction = self._developer_action("Test", "TestAction", self.onTest)
        self.reloadTestAction = self._developer_action("Reload and Test", "ReloadTestAction", self.onReloadAndTest)
        self.reloadTestMenuButton = qt.QToolButton()
        self.reloadTestMenuButton.toolTip = "Test or Reload & Test"
        self.reloadTestMenuButton.setMenu(self.reloadTestMenu)
        self.reloadTestMenuButton.setDefaultAction(self.reloadTestAction)
        row = qt.QHBoxLayout()
        row.addWidget(self.reloadButton)
        row.addWidget(self.reloadTestMenuButton)
        form.addRow(row)

    def _developer_action(self, text: str, name: str, action: Any) -> Any:
        made = importlib.import_module("qt").QAction(text, self.reloadTestMenu)
        made.setObjectName(name)
        made.connect("triggered()", action)
        self.reloadTestMenu.addAction(made)
        return made

    def cleanup(self) -> None:
        """Called before the module goes away; a module extends it."""

    def onReload(self) -> None:
        """Loads the module's code again and builds the panel anew."""
        slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **kwargs: Any) -> None:
        """Runs the module's test case."""
        self.reloadTestMenuButton.setDefaultAction(self.testAction)
        with slicer.util.tryWithErrorDisplay("Test failed."):
            self._run_test(**kwargs)

    def onReloadAndTest(self, **kwargs: Any) -> None:
        """Reloads the module and runs its test case."""
        self.reloadTestMenuButton.setDefaultAction(self.reloadTestAction)
        with slicer.util.tryWithErrorDisplay("Reload and Test failed."):
            self.onReload()
            self._run_test(**kwargs)

    def _run_test(self, **kwargs: Any) -> None:
        delay = int(slicer.app.userSettings().value("Developer/SelfTestDisplayMessageDelay"))
        slicer.selfTests[self.moduleName](msec=delay, **kwargs)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """Keeps a module's parameter node."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self) -> Any:
        """The module's parameter node; made where there is none."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is not None:
            node.SetAttribute("ModuleName", self.moduleName)
            return node
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def createParameterNode(self) -> Any:
        """A new parameter node, not in the scene yet."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of a module's test case."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.moduleTestNames = [name for name in dir(self) if "test" in name and callable(getattr(self, name))]

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Shows a message for a while."""
        delay = getattr(self, "messageDelay", msec if msec is not None else requestedDelay)
        slicer.util.delayDisplay(message, delay if delay is not None else 100)

    def runTest(self) -> None:
        """Runs the test methods one after another."""
        self.setUpClass()
        for name in self.moduleTestNames:
            self.setUp()
            getattr(self, name)()
            self.tearDown()
        self.tearDownClass()
