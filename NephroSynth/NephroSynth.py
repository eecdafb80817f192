"""NephroSynth: synthesizes the nephrographic phase of a CT urography exam; the module's classes for Slicer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

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
except ImportError:  # in the source tree the library lies beside this module's folder
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from NephroSynthPanel.panel import Panel
from NephroSynthPanel.parameters import Parameters
from NephroSynthPanel.sample import NAMES, register_sample_data

from NephroSynthLib.mrml.layouts import register_layouts
from NephroSynthLib.notice import RESEARCH_ONLY, SIMULATED_TRAINING


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
        if hasattr(slicer.modules, "sampledata"):  # Slicer is running already: the module was added or reloaded
            self._started()

    def _started(self) -> None:
        """Makes the sample exam known, and the layouts, which a saved scene names but does not describe."""
        register_sample_data(self.resourcePath("Icons"))
        register_layouts(slicer.mrmlScene)


class NephroSynthWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel in Slicer: builds it, and follows the scene and the application."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: NephroSynthLogic | None = None
        self.panel: Panel | None = None

    def setup(self) -> None:
        """Builds the panel."""
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
        """Slicer shows the module."""
        if self.panel is not None:
            self.panel.open()

    def exit(self) -> None:
        """Slicer shows another module; a run goes on."""
        if self.panel is not None:
            self.panel.pause()

    def cleanup(self) -> None:
        """The module is reloaded or Slicer ends."""
        self.removeObservers()
        if self.panel is not None:
            slicer.app.disconnect("aboutToQuit()", self.cleanup)
            self.panel.close()
            self.panel = None

    def load_sample(self) -> list[Any]:
        """Simulates and loads the sample exam, and waits for it; for the Sample Data module."""
        inputs = self.panel.inputs
        inputs.load_sample()
        while inputs.busy:
            slicer.app.processEvents()
            time.sleep(0.01)
        parameters = self.logic.parameters()
        return [getattr(parameters, phase) for phase in NAMES] if inputs.sample_loaded else []

    def _scene_closes(self, caller: Any, event: Any) -> None:
        if self.panel is not None:
            self.panel.end_work(_("The run was ended because the scene was closed."))
            self.panel.disconnect()

    def _scene_reads(self, caller: Any, event: Any) -> None:
        """Lets go of the parameters, so that no widget writes into them while their nodes are not there yet."""
        if self.panel is not None:
            self.panel.disconnect()

    def _scene_changed(self, caller: Any, event: Any) -> None:
        if self.panel is not None:
            self.panel.open()


class NephroSynthLogic(ScriptedLoadableModuleLogic):
    """Gives the parameters that the scene holds."""

    def parameters(self) -> Parameters | None:
        """The scene's parameter node, made when it is first asked for; None while the scene is closing."""
        if slicer.mrmlScene.IsClosing():
            return None
        return Parameters(self.getParameterNode())


class NephroSynthTest(ScriptedLoadableModuleTest):
    """What 'Reload and Test' runs: a whole run on a small simulated exam."""

    def runTest(self) -> None:  # noqa: N802
        """Runs the one test in an empty scene."""
        slicer.mrmlScene.Clear()
        self.test_a_run_on_a_simulated_exam()

    def test_a_run_on_a_simulated_exam(self) -> None:
        """Loads the sample exam, applies, and checks what was loaded."""
        from NephroSynthPanel import sample

        spacing, sample.SPACING_MM = sample.SPACING_MM, (2.4, 2.4, 4.5)
        try:
            widget = slicer.modules.nephrosynth.widgetRepresentation().self()
            self.delayDisplay("Simulating an exam")
            volumes = widget.load_sample()
            assert len(volumes) == 3
            self.delayDisplay("Running")
            widget.panel.run.apply()
            while widget.panel.run.running:
                slicer.app.processEvents()
                time.sleep(0.01)
            result = widget.panel.current_run()
            assert result is not None, widget.ui.errorLabel.text
            assert len(result.aligned) == 4
            assert result.summary["metrics"]["around"]["window"]["ssim"] > 0.5
            self.delayDisplay("Test passed")
        finally:
            sample.SPACING_MM = spacing
