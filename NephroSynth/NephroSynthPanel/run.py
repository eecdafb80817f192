"""The section of the panel that runs: Apply, Cancel, progress, errors in plain words, log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, Cancelled, UsageError
from NephroSynthLib.mrml.result_nodes import Outputs
from NephroSynthPanel import install, messages
from NephroSynthPanel.parameters import Parameters, settings
from NephroSynthPanel.progress import ProgressBars, in_words
from NephroSynthPanel.results import RunNodes, run_nodes
from NephroSynthPanel.run_job import Request, RunJob


class RunSection:
    """Starts and ends runs, one at a time.

    Args:
        ui: The panel's widgets.
        parameters: Gives the present parameter node.
        on_result: Called with the nodes of each run that ended well.
    """

    def __init__(
        self, ui: Any, parameters: Callable[[], Parameters | None], on_result: Callable[[RunNodes], None]
    ) -> None:
        self._ui, self._parameters, self._on_result = ui, parameters, on_result
        self._bars = ProgressBars(ui)
        self._job: RunJob | None = None
        self._says_how_it_ended = False
        ui.applyButton.connect("clicked()", self.apply)
        ui.cancelButton.connect("clicked()", self.cancel)
        ui.detailsButton.connect("clicked()", self._show_details)

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self._job is not None

    def apply(self) -> None:
        """Starts a run of the present parameters, after installing what it needs, with the user's consent."""
        parameters = self._parameters()
        if parameters is None:
            return
        self.hide_error()
        try:
            self.start(parameters)
        except Exception as error:  # whatever it is, the user sees it
            self.show_error(error)
        self.update()

    def start(self, parameters: Parameters, program: tuple[str, ...] | None = None) -> None:
        """Starts a run; `program` is the worker's command line, Slicer's Python with the library's worker if None.

        Raises:
            UsageError: If a run goes on already, or an input is missing.
            ResourceError: If the user does not want what is missing to be installed.
        """
        self._check(parameters)
        install.ensure_dependencies(self._ui)
        self._check(parameters)  # an installation takes minutes, in which all may have changed
        self._ui.logText.clear()
        self._says_how_it_ended = True
        self._bars.start()
        self._job = RunJob(request(parameters), self._bars.show, self.log, self._ended, program)
        self.update()

    def _check(self, parameters: Parameters) -> None:
        if self.running:
            raise UsageError(_("A run goes on already."), Action.WAIT)
        problem = missing_input(parameters)
        if problem:
            raise UsageError(problem)

    def cancel(self) -> None:
        """Ends the run within a second."""
        if self._job is not None:
            self._ui.cancelButton.enabled = False
            self._ui.statusLabel.text = _("Cancelling…")
            self._job.cancel()

    def end_now(self) -> None:
        """Ends the run at once, for when the scene or Slicer closes."""
        if self._job is not None:
            job, self._job = self._job, None
            job.end_now()
            self._bars.stop(_("The run was ended."))
            self.update()

    def update(self) -> None:
        """Lets press only what makes sense now."""
        parameters = self._parameters()
        problem = missing_input(parameters) if parameters is not None else _("There is no scene.")
        self._ui.applyButton.enabled = not self.running and not problem
        self._ui.applyButton.toolTip = problem or _(
            "Synthesize the nephrographic phase in a process of its own; Slicer stays usable"
        )
        self._ui.cancelButton.enabled = self.running
        if problem and not self.running:
            self._says_how_it_ended = False
        if not self._says_how_it_ended and not install.going_on():
            self._ui.statusLabel.text = problem or _("Ready.")

    def log(self, line: str) -> None:
        """Adds a line to the log."""
        self._ui.logText.appendPlainText(line)

    def show_error(self, error: Exception) -> None:
        """Shows an error in plain words, with the details in the log."""
        self.tell(messages.in_words(error))
        self.log(messages.details(error))
        logging.debug("NephroSynth: %s", type(error).__name__)  # details may name a volume, and so a patient

    def tell(self, problem: str) -> None:
        """Shows what went wrong where there is no error to explain it."""
        self._ui.errorLabel.text = problem
        self._ui.errorWidget.visible = True

    def hide_error(self) -> None:
        """Forgets the last error."""
        self._ui.errorWidget.visible = False
        self._ui.errorLabel.text = ""

    def _show_details(self) -> None:
        self._ui.logSection.collapsed = not self._ui.logSection.collapsed

    def _ended(self, run: RunNodes | None, error: Exception | None) -> None:
        self._job = None
        if run is not None:
            self._bars.stop(_("Done in {time}.").format(time=in_words(self._bars.elapsed_s)))
            self._on_result(run)
        elif isinstance(error, Cancelled):
            self._bars.stop(_("Cancelled; the scene is as it was."))
        else:
            self._bars.stop(_("The run failed; the scene is as it was."))
            self.show_error(error or UsageError(_("The run failed.")))
        self.update()


def missing_input(parameters: Parameters) -> str:
    """What the user still has to choose, as a sentence; empty if nothing."""
    if parameters.noncontrast is None:
        return _("Choose the non-contrast phase.")
    if parameters.excretory is None:
        return _("Choose the excretory phase.")
    chosen = [parameters.noncontrast, parameters.excretory, parameters.nephrographic]
    ids = [node.GetID() for node in chosen if node is not None]
    if len(set(ids)) < len(ids):
        return _("Choose a different volume for each phase.")
    outputs = [parameters.synthetic, parameters.excretoryOutput, parameters.uncertaintyOutput, parameters.kidneysOutput]
    ids += [node.GetID() for node in (parameters.kidneysInput, *outputs) if node is not None]
    if len(set(ids)) < len(ids):
        return _("Choose outputs that are not inputs, each of its own.")
    transform = parameters.transformOutput
    if transform is not None and any(_lies_under(node, transform) for node in chosen if node is not None):
        return _("Choose another output transform: an input lies under this one.")
    return ""


def _lies_under(node: Any, transform: Any) -> bool:
    parent = node.GetParentTransformNode()
    return parent is not None and (parent is transform or _lies_under(parent, transform))


def request(parameters: Parameters) -> Request:
    """What the parameters ask for."""
    wanted = {
        "excretory": parameters.wantExcretory,
        "kidneys": parameters.wantKidneys,
        "transform": parameters.wantTransform,
        "uncertainty": parameters.wantUncertainty,
    }
    before = run_nodes(parameters.synthetic)
    return Request(
        noncontrast=parameters.noncontrast,
        excretory=parameters.excretory,
        nephrographic=parameters.nephrographic,
        kidneys=parameters.kidneysInput,
        outputs=Outputs(
            synthetic=parameters.synthetic,
            excretory=parameters.excretoryOutput,
            kidneys=parameters.kidneysOutput,
            transform=parameters.transformOutput,
            uncertainty=parameters.uncertaintyOutput,
            acquired=before.acquired if before is not None else None,
        )
        if before is None or before.noncontrast in (None, parameters.noncontrast)
        else Outputs(),  # those of another exam stay: name and study are that patient's
        wanted=frozenset({"synthetic", "acquired", *(name for name, chosen in wanted.items() if chosen)}),
        settings=settings(parameters),
    )
