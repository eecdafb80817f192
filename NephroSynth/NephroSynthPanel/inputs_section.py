"""The section of the panel for the phases: finds them among the loaded volumes, and loads the sample exam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import Cancelled, UsageError
from NephroSynthLib.mrml.phase_search import PhaseSuggestion
from NephroSynthLib.session.run_choice import INPUTS
from NephroSynthLib.session.sample_exam import SampleExam
from NephroSynthLib.session.task import State, Task, TaskListener
from NephroSynthPanel import installation
from NephroSynthPanel.parameters import Parameters


class InputsSection:
    """Fills the selectors of the phases.

    Args:
        ui: The panel's widgets.
        logic: The module's logic, which finds the phases and loads the sample exam.
        parameters: Gives the present parameter node.
        on_error: Called with each error.
        on_log: Called with lines for the log.

    Attributes:
        sample: The sample exam.
        sample_loaded: Whether the last loading of the sample exam succeeded.
    """

    def __init__(
        self,
        ui: Any,
        logic: Any,
        parameters: Callable[[], Parameters | None],
        on_error: Callable[[Exception], None],
        on_log: Callable[[str], None],
    ) -> None:
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._on_error, self._on_log = on_error, on_log
        self._task: Task[Any] | None = None
        self._starting = False
        self.sample = SampleExam(Path(slicer.app.cachePath))
        self.sample_loaded = False
        ui.findPhasesButton.connect("clicked()", self.find_phases)
        ui.loadSampleButton.connect("clicked()", self.load_sample)

    @property
    def busy(self) -> bool:
        """Whether the search or the sample exam is in progress."""
        return self._task is not None

    def find_phases(self) -> None:
        """Finds the phases among the loaded volumes and chooses them."""
        self._begin(self._search, _("Looking at the volumes…"), self._found)

    def load_sample(self) -> None:
        """Simulates the sample exam, loads it and chooses its phases."""
        self.sample_loaded = False
        self._begin(self._simulate, _("Simulating an exam…"), self._sample_loaded)

    def end_now(self) -> None:
        """Ends the work before this method returns."""
        self._starting = False
        if self._task is not None:
            self._task.end_now()

    def _search(self, listener: TaskListener[PhaseSuggestion]) -> Task[PhaseSuggestion]:
        return self._logic.find_phases(wait=False, listener=listener)

    def _simulate(self, listener: TaskListener[dict[str, Any]]) -> Task[dict[str, Any]]:
        return self._logic.load_sample(wait=False, exam=self.sample, listener=listener)

    def _begin(
        self, start: Callable[[TaskListener[Any]], Task[Any]], message: str, on_result: Callable[[Any], None]
    ) -> None:
        """Starts a task, unless another one starts or `end_now` is called while packages are installed."""
        if self.busy:
            return
        self._show_busy(message)
        self._starting = True
        try:
            if start == self._search or not self.sample.is_kept:
                installation.ensure_dependencies(self._ui)
        except Exception as error:  # the user sees every kind of error
            self._show_idle("")
            self._on_error(error)
            return
        if self.busy:
            return
        if not self._starting:
            self._show_idle("")
            return
        listener = TaskListener(
            on_end=lambda result, error: self._ended(result, error, on_result),
            on_progress=lambda state, event: self._say(event.message),
            on_log=self._on_log,
        )
        try:
            self._task = start(listener)
        except Exception as error:  # the user sees every kind of error
            self._show_idle("")
            self._on_error(error)
            return
        if self._task.state is State.ENDED:
            self._task = None

    def _ended(self, result: Any, error: Exception | None, on_result: Callable[[Any], None]) -> None:
        self._task = None
        self._show_idle("")
        if result is not None:
            on_result(result)
        elif not isinstance(error, Cancelled):
            self._on_error(error or UsageError(_("The work gave no result.")))

    def _found(self, found: PhaseSuggestion) -> None:
        if not self._choose({phase: getattr(found, phase) for phase in INPUTS}):
            return
        names = {
            "noncontrast": _("Non-contrast"),
            "excretory": _("Excretory"),
            "nephrographic": _("Nephrographic"),
        }
        reasons = [f"{names[phase]}: {reason}" for phase, reason in found.reasons.items()]
        nothing = [] if reasons else [_("No phase of a CT urography exam was recognized.")]
        self._say("\n".join([*reasons, *nothing, *found.warnings]))

    def _sample_loaded(self, nodes: dict[str, Any]) -> None:
        self._choose(nodes)
        self.sample_loaded = True
        self._say(_("A simulated exam; no person was scanned."))

    def _choose(self, nodes: Mapping[str, Any]) -> bool:
        """Chooses the phases that were found. Returns False while a scene is read, whose own choices count."""
        parameters = self._parameters()
        if parameters is None:
            return False
        with slicer.util.NodeModify(parameters):
            for phase, node in nodes.items():
                if node is not None and node.GetScene() is not None:
                    setattr(parameters, phase, node)
        return True

    def _show_busy(self, message: str) -> None:
        self._ui.findPhasesButton.enabled = self._ui.loadSampleButton.enabled = False
        self._say(message)

    def _show_idle(self, message: str) -> None:
        self._ui.findPhasesButton.enabled = self._ui.loadSampleButton.enabled = True
        self._say(message)

    def _say(self, message: str) -> None:
        self._ui.phasesLabel.text = message
        self._ui.phasesLabel.visible = bool(message)
