"""NephroSynth synthesizes the nephrographic phase of a CT urography exam: the classes of the module for Slicer."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

try:
    import NephroSynthLib  # noqa: F401
except ImportError:  # in the source tree, the library is beside the folder of this module
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from NephroSynthPanel.sample_data import SAMPLE_NAME, register_sample_data

from NephroSynthLib.files.notice import RESEARCH_ONLY, SIMULATED_TRAINING
from NephroSynthLib.mrml.layouts import LAYOUTS, register_layouts
from NephroSynthLib.session.run_choice import INPUTS

if TYPE_CHECKING:
    from NephroSynthPanel.panel import Panel
    from NephroSynthPanel.parameters import Parameters


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
        register_sample_data(self.resourcePath("Icons"))


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
        self.panel = Panel(self.ui, self.logic.parameters)
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
            ScriptedLoadableModuleWidget.onReload(self)
        except BaseException:
            _forget_code()
            sys.modules.update(before)
            raise

    def load_sample(self) -> list[Any]:
        """Simulates and loads the sample exam, and waits for it. The Sample Data module calls this.

        Returns:
            The volumes of the phases, or nothing if the exam could not be loaded.
        """
        inputs = self.panel.inputs
        inputs.load_sample()
        while inputs.busy:
            slicer.app.processEvents()
            time.sleep(0.01)
        parameters = self.logic.parameters()
        return [getattr(parameters, phase) for phase in INPUTS] if inputs.sample_loaded else []

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


class NephroSynthLogic(ScriptedLoadableModuleLogic):
    """Gives the parameters of the scene."""

    def parameters(self) -> Parameters | None:
        """The scene's parameter node, which is made at the first call. None while the scene is closing."""
        from NephroSynthPanel.parameters import Parameters

        if slicer.mrmlScene.IsClosing():
            return None
        return Parameters(self.getParameterNode())


class NephroSynthTest(ScriptedLoadableModuleTest):
    """The test behind 'Reload and Test': a whole run on a small simulated exam, with comparison and export."""

    def setUp(self) -> None:
        """Starts with an empty scene. Skips the test if Python packages of the first use are missing."""
        from NephroSynthPanel import installation

        lacking = installation.missing([*installation.requirements(), installation.TORCH])
        if lacking:
            self.skipTest(f"not installed: {', '.join(map(str, lacking))}")
        slicer.mrmlScene.Clear()
        self.widget = slicer.modules.nephrosynth.widgetRepresentation().self()
        self.folder = Path(tempfile.mkdtemp(dir=slicer.app.temporaryPath))

    def tearDown(self) -> None:
        """Removes the exported files."""
        shutil.rmtree(self.folder)

    def test_a_run_on_a_simulated_exam(self) -> None:
        """Loads the sample exam, applies, compares and exports."""
        from NephroSynthLib.session.sample_exam import SampleExam

        self._registered(SAMPLE_NAME)
        inputs = self.widget.panel.inputs
        usual, inputs.sample = inputs.sample, SampleExam(inputs.sample.cache, spacing_mm=(2.4, 2.4, 4.5))
        try:
            self.delayDisplay("Simulating an exam")
            assert len(self.widget.load_sample()) == 3
        finally:
            inputs.sample = usual
        self._run()
        self._look()
        self._export()
        self.delayDisplay("Test passed")

    def _registered(self, sample_name: str) -> None:
        import SampleData

        assert SampleData.SampleDataLogic().sourceForSampleName(sample_name) is not None
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        assert layout is None or all(layout.IsLayoutDescription(one.id) for one in LAYOUTS.values())

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

    def _click(self, *names: str) -> None:
        for name in names:
            getattr(self.widget.ui, name).click()
            slicer.app.processEvents()
            assert not self.widget.ui.errorLabel.text, f"{name}: {self.widget.ui.errorLabel.text}"

    def _wait(self, ended: Callable[[], bool]) -> None:
        while not ended():
            slicer.app.processEvents()
            time.sleep(0.01)
