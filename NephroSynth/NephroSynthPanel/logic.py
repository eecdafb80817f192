"""The scripting interface: runs, judges and exports from Python, with the calls that the panel makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

if TYPE_CHECKING:
    from NephroSynthLib.mrml.run_nodes import RunNodes
    from NephroSynthLib.mrml.run_order import Outputs
    from NephroSynthLib.session.exam_batch import ExamBatch, ExamRow
    from NephroSynthLib.session.sample_exam import SampleExam
    from NephroSynthLib.session.task import Plan, TaskListener
    from NephroSynthPanel.parameters import Parameters
    from NephroSynthPanel.qt_event_loop import QtEventLoop


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
        landmarks: Any = None,
        excretory_landmarks: Any = None,
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
            landmarks: A point list of the module Markups with landmarks of the non-contrast phase.
            excretory_landmarks: The same landmarks of the excretory phase.
            outputs: The nodes to overwrite. Without it, each result gets a new node.
            wanted: The names of the results to load, of `NephroSynthLib.mrml.run_order.ALL`. Without it, all.
            listener: Hears of progress, warnings and the end.

        Returns:
            The nodes of the run (`NephroSynthLib.mrml.run_nodes.RunNodes`), or the task.

        Raises:
            NephroSynthError: If the run cannot start or failed.
        """
        from NephroSynthLib.errors import UsageError
        from NephroSynthLib.mrml.run_order import ALL, NEW_NODES, RunOrder
        from NephroSynthLib.mrml.run_plan import run_plan
        from NephroSynthLib.session.run_choice import RunChoice
        from NephroSynthPanel import installation, messages

        inputs = {"noncontrast": noncontrast, "excretory": excretory, "nephrographic": nephrographic}
        problem = RunChoice({name: node.GetID() if node else None for name, node in inputs.items()}).problem()
        if problem is not None:
            raise UsageError(messages.run_problem(problem))
        installation.ensure_dependencies()
        results = frozenset(wanted if wanted is not None else ALL)
        given = outputs or NEW_NODES
        order = RunOrder(
            **inputs,
            kidneys=kidneys,
            outputs=given,
            wanted=results,
            settings=dict(settings or {}),
            landmarks=landmarks,
            excretory_landmarks=excretory_landmarks,
        )
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
        from NephroSynthLib.mrml.dicom_database import dicom_source as source
        from NephroSynthLib.mrml.export_plan import export_plan
        from NephroSynthLib.session.export_choice import ExportChoice, free_folder
        from NephroSynthLib.session.task import TaskListener
        from NephroSynthPanel import installation, messages

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
        from NephroSynthLib.mrml.sample_plan import sample_plan
        from NephroSynthLib.session.sample_exam import SampleExam
        from NephroSynthPanel import installation

        exam = exam or SampleExam(Path(slicer.app.cachePath))
        if not exam.is_kept:
            installation.ensure_dependencies()
        return self._carry_out(sample_plan(slicer.mrmlScene, exam), listener, wait)

    def simulate_sample(self, exam: SampleExam) -> SampleExam:
        """Simulates an exam, unless it was simulated before, waits for it and returns it."""
        from NephroSynthLib.mrml.sample_plan import simulation_plan
        from NephroSynthPanel import installation

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
        from NephroSynthLib.mrml.dicom_database import dicom_file
        from NephroSynthLib.mrml.phase_search import find_phases
        from NephroSynthLib.session.task import Plan
        from NephroSynthPanel import installation

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

    def load_exam(
        self, batch: ExamBatch, row: ExamRow, wait: bool = True, *, listener: TaskListener | None = None
    ) -> Any:
        """Loads an exam of a batch with its result.

        Args:
            batch: The batch.
            row: The exam.
            wait: Whether to wait for the end.
            listener: Hears of progress and the end.

        Returns:
            The nodes of the run, or the task.

        Raises:
            NephroSynthError: If a file cannot be read.
        """
        from NephroSynthLib.mrml.exam_plan import exam_plan

        return self._carry_out(exam_plan(slicer.mrmlScene, batch.arguments, row.name, row.folder), listener, wait)

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
