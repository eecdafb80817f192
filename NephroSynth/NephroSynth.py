"""NephroSynth synthesizes the nephrographic phase of a CT urography exam: the classes of the module for Slicer."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

try:
    import NephroSynthLib  # noqa: F401
except ImportError:  # in the source tree, the library is beside the folder of this module
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from NephroSynthPanel.logic import NephroSynthLogic
from NephroSynthPanel.sample_data import SAMPLE_NAME, register_sample_data

from NephroSynthLib.files.notice import RESEARCH_ONLY, SIMULATED_TRAINING
from NephroSynthLib.mrml.layouts import LAYOUTS, register_layouts, restore_layout, show_layout

if TYPE_CHECKING:
    from NephroSynthPanel.panel import Panel


class NephroSynth(ScriptedLoadableModule):
    """Describes the module to Slicer."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "NephroSynth"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.dependencies = []
        parent.contributors = ["NephroSynth developers"]
        parent.helpText = _(
            "Synthesizes the nephrographic phase of a CT urography exam from its non-contrast and excretory phases, "
            "so that it can be compared with the acquired one. {notice}"
        ).format(notice=f"{RESEARCH_ONLY} {SIMULATED_TRAINING}")
        parent.acknowledgementText = _("The method follows dsSNICT (arXiv 2502.19623).")
        slicer.app.connect("startupCompleted()", self._started)
        if hasattr(slicer.modules, "sampledata"):  # the module was added or reloaded in a running Slicer
            self._started()

    def _started(self) -> None:
        """Registers the sample exam, and the layouts, because a saved scene has only their numbers."""
        if slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode") is not None:  # there is none without a main window
            register_layouts(slicer.mrmlScene)
        register_sample_data(self.resourcePath("Icons"), lambda exam: NephroSynthLogic().simulate_sample(exam))


class NephroSynthWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Builds the module's panel, and passes on the events of the scene and of the application."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: NephroSynthLogic | None = None
        self.panel: Panel | None = None

    def setup(self) -> None:
        """Builds the panel."""
        from NephroSynthPanel.panel import Panel  # Slicer itself starts without it

        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/NephroSynth.ui"))
        widget.setMRMLScene(slicer.mrmlScene)
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        self.logic = NephroSynthLogic()
        self.panel = Panel(self.ui, self.logic)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._scene_closes)
        self.addObserver(scene, scene.EndCloseEvent, self._scene_changed)
        self.addObserver(scene, scene.StartImportEvent, self._scene_reads)
        self.addObserver(scene, scene.StartRestoreEvent, self._scene_reads)
        self.addObserver(scene, scene.EndImportEvent, self._scene_changed)
        self.addObserver(scene, scene.EndRestoreEvent, self._scene_changed)
        slicer.app.connect("aboutToQuit()", self.cleanup)
        self.panel.open()

    def enter(self) -> None:
        """Connects the panel with the scene, because Slicer shows the module."""
        if self.panel is not None:
            self.panel.open()

    def exit(self) -> None:
        """Pauses the panel, because Slicer shows another module. A run goes on."""
        if self.panel is not None:
            self.panel.pause()

    def cleanup(self) -> None:
        """Ends all work, because the module is reloaded or Slicer ends."""
        self.removeObservers()
        if self.panel is not None:
            slicer.app.disconnect("aboutToQuit()", self.cleanup)
            self.panel.close()
            self.panel = None

    def onReload(self) -> None:  # noqa: N802
        """Reloads the code of the module, of the panel and of the library. Slicer itself would reload the module only.

        Raises:
            UsageError: If packages are being installed.
            Exception: If the new code cannot be loaded. The panel then works on with the old code.
        """
        from NephroSynthPanel import installation

        from NephroSynthLib.errors import Action, UsageError

        if installation.in_progress():
            raise UsageError(_("The packages are being installed."), Action.WAIT)
        before = _forget_code()
        try:
            import_module("NephroSynthPanel.panel")  # before the present panel is removed, because it may not load
            ScriptedLoadableModuleWidget.onReload(self)
        except BaseException:
            _forget_code()
            sys.modules.update(before)
            raise

    def _scene_closes(self, caller: Any, event: Any) -> None:
        if self.panel is not None:
            self.panel.end_work(_("The run was ended because the scene was closed."))
            self.panel.disconnect()

    def _scene_reads(self, caller: Any, event: Any) -> None:
        """Disconnects the widgets, so that none writes a parameter before the nodes that it names are read."""
        if self.panel is not None:
            self.panel.disconnect()

    def _scene_changed(self, caller: Any, event: Any) -> None:
        if self.panel is not None:
            self.panel.open()


def _forget_code() -> dict[str, ModuleType]:
    """Removes the module's code from Python, so that it is imported anew, and returns the removed modules."""
    ours = ("NephroSynth", "NephroSynthPanel", "NephroSynthLib")
    return {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] in ours}


class NephroSynthTest(ScriptedLoadableModuleTest):
    """The test behind 'Reload and Test': the panel, and a whole run on a small simulated exam.

    The tests of the panel need no package beyond Slicer's own, so an extension factory runs them too.
    """

    def setUp(self) -> None:
        """Starts with an empty scene."""
        slicer.mrmlScene.Clear()
        self.widget = slicer.modules.nephrosynth.widgetRepresentation().self()
        self.widget.enter()
        self.folder = Path(tempfile.mkdtemp(dir=slicer.app.temporaryPath))

    def tearDown(self) -> None:
        """Removes the exported files."""
        shutil.rmtree(self.folder)

    def test_the_panel_refuses_what_cannot_run(self) -> None:
        """Chooses volumes, and reads the refusals."""
        ui = self.widget.ui
        assert not ui.applyButton.enabled
        assert ui.statusLabel.text
        first, second = (self._volume(name) for name in ("first", "second"))
        ui.noncontrastSelector.setCurrentNode(first)
        ui.excretorySelector.setCurrentNode(first)
        assert not ui.applyButton.enabled
        ui.excretorySelector.setCurrentNode(second)
        assert ui.applyButton.enabled, ui.statusLabel.text
        parameters = self.widget.logic.parameters()
        assert (parameters.noncontrast, parameters.excretory) == (first, second)

    def test_nothing_is_installed_without_consent(self) -> None:
        """Applies as in a Slicer without packages, and does not agree."""
        from unittest.mock import patch

        from NephroSynthPanel import installation

        ui = self.widget.ui
        ui.noncontrastSelector.setCurrentNode(self._volume("first"))
        ui.excretorySelector.setCurrentNode(self._volume("second"))
        asked: list[str] = []
        with (
            patch.object(installation, "missing", lambda wanted: list(wanted)),
            patch.object(installation, "refusal", lambda torch_missing: None),
            patch.object(slicer.util, "confirmOkCancelDisplay", lambda text, **options: asked.append(text)),
        ):
            self._press("applyButton")
        assert len(asked) == 1
        assert ui.errorLabel.text
        assert not self.widget.panel.run.running

    def test_sample_data_and_layouts_are_registered(self) -> None:
        """Looks for the sample exam, and shows two volumes side by side."""
        import SampleData

        source = SampleData.SampleDataLogic().sourceForSampleName(SAMPLE_NAME)
        assert source is not None
        assert len(source.uris) == 3
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout is not None:
            assert all(layout.IsLayoutDescription(one.id) for one in LAYOUTS.values())
            show_layout(slicer.mrmlScene, "side-by-side", [self._volume("first"), self._volume("second")])
            restore_layout(slicer.mrmlScene)

    def test_whole_run_on_a_simulated_exam(self) -> None:
        """Loads the sample exam, applies, compares and exports. Skips if packages of the first use are missing.

        It is the last by name, so that its result stays in the scene.
        """
        from NephroSynthPanel import installation

        from NephroSynthLib.session.sample_exam import SampleExam

        lacking = installation.missing([*installation.requirements(), installation.TORCH])
        if lacking:
            self.skipTest(f"not installed: {', '.join(map(str, lacking))}")
        self.delayDisplay("Simulating an exam")
        logic = self.widget.logic
        volumes = logic.load_sample(exam=SampleExam(Path(slicer.app.cachePath), spacing_mm=(4.0, 4.0, 6.0)))
        parameters = logic.parameters()
        for phase, volume in volumes.items():
            setattr(parameters, phase, volume)
        self._run()
        self._look()
        self._export()
        self.delayDisplay("Test passed")

    def _volume(self, name: str) -> Any:
        data = vtk.vtkImageData()
        data.SetDimensions(8, 8, 8)
        data.AllocateScalars(vtk.VTK_SHORT, 1)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        node.SetAndObserveImageData(data)
        return node

    def _run(self) -> None:
        self.delayDisplay("Running")
        panel = self.widget.panel
        self._click("applyButton")
        self._wait(lambda: not panel.run.running)
        result = panel.current_run()
        assert result is not None, self.widget.ui.errorLabel.text
        assert len(result.aligned) == 4
        assert result.summary["metrics"]["around"]["window"]["ssim"] > 0.5

    def _look(self) -> None:
        self.delayDisplay("Looking at the result")
        self._click("checkerboardButton", "checkerboardButton", "flickerButton", "beforeButton", "beforeButton")
        self._click("sideBySideButton", "twoByTwoButton", "threePlanesButton", "differenceButton", "differenceButton")
        self._click("histogramButton", "kidneyHUButton", "restoreLayoutButton")
        run = self.widget.panel.current_run()
        made = (run.checkerboard, run.difference, run.histogram, run.kidneyHUTable)
        assert None not in made
        assert run.histogram.GetNumberOfPlotSeriesNodes() == 4

    def _export(self) -> None:
        self.delayDisplay("Exporting")
        ui, export = self.widget.ui, self.widget.panel.export
        ui.exportFolderEdit.currentPath = str(self.folder)
        ui.exportNrrdCheckBox.checked = ui.exportReportCheckBox.checked = True
        self._click("exportButton")
        self._wait(lambda: not export.running)
        names = {file.name for file in self.folder.glob("*/*")}
        wanted = {"synthetic_nephrographic.nrrd", "excretory_registered.nrrd", "kidneys.nrrd", "report.html"}
        assert wanted <= names, ui.exportLabel.text

    def _press(self, name: str) -> None:
        getattr(self.widget.ui, name).click()

    def _click(self, *names: str) -> None:
        for name in names:
            self._press(name)
            slicer.app.processEvents()
            self._wait(lambda: not self.widget.panel.check.busy and not self.widget.panel.comparison.busy)
            assert not self.widget.ui.errorLabel.text, f"{name}: {self.widget.ui.errorLabel.text}"

    def _wait(self, ended: Callable[[], bool]) -> None:
        while not ended():
            slicer.app.processEvents()
            time.sleep(0.01)
