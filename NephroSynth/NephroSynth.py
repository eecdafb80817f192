"""NephroSynth synthesizes the nephrographic phase of a CT urography exam: the classes of the module for Slicer."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
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
from NephroSynthLib.mrml.layouts import LAYOUTS, register_layouts, restore_layout, show_layout

if TYPE_CHECKING:
    from NephroSynthPanel.panel import Panel
    from NephroSynthPanel.parameters import Parameters
    from NephroSynthPanel.qt_event_loop import QtEventLoop

    from NephroSynthLib.mrml.run_nodes import RunNodes
    from NephroSynthLib.mrml.run_order import Outputs
    from NephroSynthLib.session.sample_exam import SampleExam
    from NephroSynthLib.session.task import Plan, TaskListener


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


class NephroSynthLogic(ScriptedLoadableModuleLogic):
    """Runs, judges and exports from Python, with the calls that the panel makes.

    Each task works in a separate process. With `wait`, a call returns the result or raises the error, and the window of
    Slicer stays usable meanwhile. Without `wait`, a call returns the `Task` at once, and the listener hears of the end.

    Example:
        >>> logic = NephroSynthLogic()
        >>> exam = logic.load_sample()
        >>> run = logic.run(exam["noncontrast"], exam["excretory"], exam["nephrographic"], settings={"seed": 7})
        >>> logic.judge(run)["metrics"]["around"]["window"]["ssim"]
        >>> logic.export(run, "/tmp/results", formats=("nrrd", "report"))
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._loop: QtEventLoop | None = None

    @property
    def loop(self) -> QtEventLoop:
        """The event loop of all tasks."""
        from NephroSynthPanel.qt_event_loop import QtEventLoop

        self._loop = self._loop or QtEventLoop()
        return self._loop

    def parameters(self) -> Parameters | None:
        """The scene's parameter node, which is made at the first call. None while the scene is closing."""
        from NephroSynthPanel.parameters import Parameters

        if slicer.mrmlScene.IsClosing():
            return None
        return Parameters(self.getParameterNode())

    def run(
        self,
        noncontrast: Any,
        excretory: Any,
        nephrographic: Any = None,
        kidneys: Any = None,
        settings: Mapping[str, Any] | None = None,
        wait: bool = True,
        *,
        outputs: Outputs | None = None,
        wanted: Collection[str] | None = None,
        listener: TaskListener | None = None,
    ) -> Any:
        """Synthesizes the nephrographic phase.

        Args:
            noncontrast: The volume of the non-contrast phase.
            excretory: The volume of the excretory phase.
            nephrographic: The volume of the acquired nephrographic phase, to compare with.
            kidneys: A segmentation or label map of the kidneys. Without it, a model finds them.
            settings: Settings that differ from the defaults, such as `{"seed": 7, "synthesis": {"samples": 4}}`.
            wait: Whether to wait for the end.
            outputs: The nodes to overwrite. Without it, each result gets a new node.
            wanted: The names of the results to load, of `NephroSynthLib.mrml.run_order.ALL`. Without it, all.
            listener: Hears of progress, warnings and the end.

        Returns:
            The nodes of the run (`NephroSynthLib.mrml.run_nodes.RunNodes`), or the task.

        Raises:
            NephroSynthError: If the run cannot start or failed.
        """
        from NephroSynthPanel import installation, messages

        from NephroSynthLib.errors import UsageError
        from NephroSynthLib.mrml.run_order import ALL, NEW_NODES, RunOrder
        from NephroSynthLib.mrml.run_plan import run_plan
        from NephroSynthLib.session.run_choice import RunChoice

        inputs = {"noncontrast": noncontrast, "excretory": excretory, "nephrographic": nephrographic}
        problem = RunChoice({name: node.GetID() if node else None for name, node in inputs.items()}).problem()
        if problem is not None:
            raise UsageError(messages.run_problem(problem))
        installation.ensure_dependencies()
        results = frozenset(wanted if wanted is not None else ALL)
        given = outputs or NEW_NODES
        order = RunOrder(**inputs, kidneys=kidneys, outputs=given, wanted=results, settings=dict(settings or {}))
        return self._carry_out(run_plan(order), listener, wait)

    def judge(self, run: RunNodes) -> dict[str, Any]:
        """The quality of a run.

        Returns:
            'passed' and 'reasons' of the registration, and 'metrics' against the acquired phase, None without one.
        """
        from NephroSynthLib.session.verdict import registration_verdict

        verdict = registration_verdict(run.summary)
        return {
            "passed": verdict.passed if verdict else None,
            "reasons": list(verdict.reasons) if verdict else [],
            "metrics": run.summary.get("metrics"),
        }

    def export(
        self,
        run: RunNodes,
        folder: str | Path,
        formats: Collection[str] = ("nrrd", "report"),
        dicom_source: str | None = None,
        deidentify: bool = False,
        add_to_database: bool = False,
        wait: bool = True,
        *,
        listener: TaskListener | None = None,
    ) -> Any:
        """Writes the results of a run into a new folder.

        Args:
            run: The run.
            folder: The folder in which the new folder is made. It is named after the synthetic volume.
            formats: Of 'nrrd', 'nifti', 'dicom', 'report' and 'scene'.
            dicom_source: The folder with the DICOM files of the non-contrast phase. Without it, the known one.
            deidentify: Whether to remove all identifiers from the DICOM files.
            add_to_database: Whether to add the DICOM files to Slicer's database.
            wait: Whether to wait for the end.
            listener: Hears of progress, warnings and the end.

        Returns:
            The path of the new folder. Without `wait`, the task and the path.

        Raises:
            NephroSynthError: If the export cannot start or failed.
        """
        from NephroSynthPanel import installation, messages

        from NephroSynthLib.mrml.dicom_database import dicom_source as source
        from NephroSynthLib.mrml.export_plan import export_plan
        from NephroSynthLib.session.export_choice import ExportChoice, free_folder
        from NephroSynthLib.session.task import TaskListener

        choice = ExportChoice(
            parent=str(folder),
            formats=frozenset(formats),
            noncontrast=source(run.noncontrast, dicom_source),
            excretory=source(run.excretory),
            deidentify=deidentify,
            add_to_database=add_to_database,
        )
        problem = choice.problem()
        if problem is not None:
            raise messages.export_problem(problem)
        installation.ensure_dependencies()
        hears = listener or TaskListener()
        out = free_folder(Path(choice.parent), run.synthetic.GetName())
        task = self._carry_out(export_plan(run, choice, out, hears.on_warning, hears.on_log), listener, wait)
        return out if wait else (task, out)

    def load_sample(
        self, wait: bool = True, *, exam: SampleExam | None = None, listener: TaskListener | None = None
    ) -> Any:
        """Simulates the sample exam, unless it was simulated before, and loads it.

        Args:
            wait: Whether to wait for the end.
            exam: Another simulated exam.
            listener: Hears of progress and the end.

        Returns:
            The volumes by phase: 'noncontrast', 'excretory' and 'nephrographic'; or the task.
        """
        from NephroSynthPanel import installation

        from NephroSynthLib.mrml.sample_plan import sample_plan
        from NephroSynthLib.session.sample_exam import SampleExam

        exam = exam or SampleExam(Path(slicer.app.cachePath))
        if not exam.is_kept:
            installation.ensure_dependencies()
        return self._carry_out(sample_plan(slicer.mrmlScene, exam), listener, wait)

    def simulate_sample(self, exam: SampleExam) -> SampleExam:
        """Simulates an exam, unless it was simulated before, waits for it and returns it."""
        from NephroSynthPanel import installation

        from NephroSynthLib.mrml.sample_plan import simulation_plan

        if not exam.is_kept:
            installation.ensure_dependencies()
        self._carry_out(simulation_plan(exam), None, True)
        return exam

    def find_phases(
        self, volumes: Sequence[Any] | None = None, wait: bool = True, *, listener: TaskListener | None = None
    ) -> Any:
        """Finds the phases among volumes.

        Args:
            volumes: The volumes. Without it, all of the scene.
            wait: Whether to wait for the end.
            listener: Hears of progress and the end.

        Returns:
            The phases found (`NephroSynthLib.mrml.phase_search.PhaseSuggestion`), or the task.
        """
        from NephroSynthPanel import installation

        from NephroSynthLib.mrml.dicom_database import dicom_file
        from NephroSynthLib.mrml.phase_search import find_phases
        from NephroSynthLib.session.task import Plan

        installation.ensure_dependencies()
        nodes = list(volumes if volumes is not None else slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
        files = [dicom_file(node) for node in nodes]
        return self._carry_out(Plan(load=lambda folder, result: find_phases(nodes, files)), listener, wait)

    def batch(
        self,
        exams: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any] | None = None,
        on_end: Callable[[int, RunNodes | None, Exception | None], None] = lambda index, run, error: None,
    ) -> list[RunNodes | None]:
        """Runs several exams, one after the other. An exam that fails does not stop the others.

        Args:
            exams: The volumes of each exam, by the names of the arguments of `run`.
            settings: As of `run`.
            on_end: Called after each exam with its number from 0, its nodes and None, or None and the error.

        Returns:
            The nodes of each run, None for one that failed.
        """
        runs: list[RunNodes | None] = []
        for index, exam in enumerate(exams):
            run, problem = None, None
            try:
                run = self.run(**exam, settings=settings)
            except Exception as error:  # errors of any kind belong to this exam alone
                problem = error
            runs.append(run)
            on_end(index, run, problem)
        return runs

    def _carry_out(self, plan: Plan, listener: TaskListener | None, wait: bool) -> Any:
        from NephroSynthLib.session.task import Task, TaskListener

        listener = listener or TaskListener()
        ends: list[tuple[Any, Exception | None]] = []

        def ended(result: Any, error: Exception | None) -> None:
            ends.append((result, error))
            listener.on_end(result, error)

        task = Task(self.loop, plan, Path(slicer.app.temporaryPath), replace(listener, on_end=ended))
        task.start()
        if not wait:
            return task
        while not ends:
            slicer.app.processEvents()
            time.sleep(0.01)
        [(result, error)] = ends
        if error is not None:
            raise error
        return result


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
        volumes = logic.load_sample(exam=SampleExam(Path(slicer.app.cachePath), spacing_mm=(2.4, 2.4, 4.5)))
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
