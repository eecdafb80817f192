"""The section of the panel that runs: Apply, Cancel, progress, errors in plain words, and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, Cancelled, UsageError
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.session.task import State, Task, TaskListener
from NephroSynthPanel import installation, messages
from NephroSynthPanel.parameters import Parameters, run_choice, run_order, too_small
from NephroSynthPanel.progress_section import ProgressSection


class RunSection:
    """Starts and ends runs, one at a time.

    Args:
        ui: The panel's widgets.
        logic: The module's logic, which runs.
        parameters: Gives the present parameter node.
        on_result: Called with the nodes of each successful run.
    """

    def __init__(
        self,
        ui: Any,
        logic: Any,
        parameters: Callable[[], Parameters | None],
        on_result: Callable[[RunNodes], None],
    ) -> None:
        self._ui, self._logic, self._parameters, self._on_result = ui, logic, parameters, on_result
        self._progress = ProgressSection(ui)
        self._task: Task[RunNodes] | None = None
        self._shows_ending = False
        ui.applyButton.connect("clicked()", self.apply)
        ui.cancelButton.connect("clicked()", self.cancel)
        ui.detailsButton.connect("clicked()", self._show_details)

    @property
    def running(self) -> bool:
        """Whether a run is in progress."""
        return self._task is not None

    def apply(self) -> None:
        """Starts a run and shows an error if it cannot start."""
        self.hide_error()
        try:
            self.start()
        except Exception as error:  # the user sees every kind of error
            self.show_error(error)
        self.update()

    def start(self) -> None:
        """Starts a run of the present parameters, after it has installed missing packages with the user's consent.

        Raises:
            UsageError: If a run is in progress, or an input is missing.
            ResourceError: If the user does not agree to the installation.
        """
        self._check()
        installation.ensure_dependencies(self._ui)
        parameters = self._check()  # the installation takes minutes, and the user may have changed the choice
        self._ui.logText.clear()
        self._shows_ending = True
        self._progress.start()
        listener = TaskListener(
            on_end=self._ended,
            on_progress=self._progress.update,
            on_warning=lambda text: self.log(_("Warning: {text}").format(text=text)),
            on_log=self.log,
        )
        try:
            self._task = self._logic.run(**vars(run_order(parameters)), wait=False, listener=listener)
        except Exception:
            self._progress.stop(_("The run did not start."))
            raise
        if self._task.state is State.ENDED:
            self._task = None
        self.update()

    def _check(self) -> Parameters:
        if self.running:
            raise UsageError(_("A run is in progress."), Action.WAIT)
        parameters = self._parameters()
        problem = _problem(parameters)
        if parameters is None or problem:
            raise UsageError(problem)
        return parameters

    def cancel(self) -> None:
        """Ends the run within a second."""
        if self._task is not None:
            self._ui.cancelButton.enabled = False
            self._ui.statusLabel.text = _("Cancelling…")
            self._task.cancel()

    def end_now(self) -> None:
        """Ends the run before this method returns, because the scene or Slicer closes."""
        if self._task is not None:
            self._task.end_now()
            self._ui.statusLabel.text = _("The run was ended.")

    def update(self) -> None:
        """Enables the buttons that apply in the present state, and shows which input is missing."""
        problem = _problem(self._parameters())
        self._ui.applyButton.enabled = not self.running and not problem
        self._ui.applyButton.toolTip = problem or _(
            "Synthesize the nephrographic phase in a separate process; Slicer stays usable"
        )
        self._ui.cancelButton.enabled = self.running
        if problem and not self.running:
            self._shows_ending = False
        if not self._shows_ending and not installation.in_progress():
            self._ui.statusLabel.text = problem or _("Ready.")

    def log(self, line: str) -> None:
        """Adds a line to the log."""
        self._ui.logText.appendPlainText(line)

    def show_error(self, error: Exception) -> None:
        """Shows an error in plain words, with the details in the log."""
        self.tell(messages.in_words(error))
        self.log(messages.details(error))
        logging.debug("NephroSynth: %s", type(error).__name__)  # the details may name a volume, and so a patient

    def tell(self, problem: str) -> None:
        """Shows a problem that has no error."""
        self._ui.errorLabel.text = problem
        self._ui.errorWidget.visible = True

    def hide_error(self) -> None:
        """Hides the last error."""
        self._ui.errorWidget.visible = False
        self._ui.errorLabel.text = ""

    def _show_details(self) -> None:
        self._ui.logSection.collapsed = not self._ui.logSection.collapsed

    def _ended(self, run: RunNodes | None, error: Exception | None) -> None:
        self._task = None
        if run is not None:
            self._progress.stop(_("Done in {time}.").format(time=self._progress.elapsed))
            self._on_result(run)
        elif isinstance(error, Cancelled):
            self._progress.stop(_("Cancelled; the scene is as it was."))
        else:
            self._progress.stop(_("The run failed; the scene is as it was."))
            self.show_error(error or UsageError(_("The run failed.")))
        self.update()


def _problem(parameters: Parameters | None) -> str:
    if parameters is None:
        return _("There is no scene.")
    option = too_small(parameters)
    if option is not None:
        return messages.too_small(option)
    return messages.run_problem(run_choice(parameters).problem())
