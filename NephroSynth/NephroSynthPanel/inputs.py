"""The section of the panel for the phases: finding them among the loaded volumes, loading the sample exam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.phase_search import PhaseSuggestion, find_phases
from NephroSynthPanel import install
from NephroSynthPanel.dicom_files import dicom_header
from NephroSynthPanel.parameters import Parameters
from NephroSynthPanel.sample import SampleExam
from NephroSynthPanel.ticks import Ticks


class InputsSection:
    """Fills the selectors of the phases.

    Args:
        ui: The panel's widgets.
        parameters: Gives the present parameter node.
        on_error: Called with what went wrong.
        on_log: Called with lines for the log.
    """

    def __init__(
        self,
        ui: Any,
        parameters: Callable[[], Parameters | None],
        on_error: Callable[[Exception], None],
        on_log: Callable[[str], None],
    ) -> None:
        self._ui, self._parameters, self._on_error, self._on_log = ui, parameters, on_error, on_log
        self._sample: SampleExam | None = None
        self._search: Ticks | None = None
        self.sample_loaded = False
        ui.findPhasesButton.connect("clicked()", self.find_phases)
        ui.loadSampleButton.connect("clicked()", self.load_sample)

    @property
    def busy(self) -> bool:
        """Whether a search or the simulation of the sample goes on."""
        return self._sample is not None or self._search is not None

    def find_phases(self) -> None:
        """Looks at the loaded volumes and chooses the phases among them."""
        if self.busy:
            return
        try:
            install.ensure_dependencies(self._ui)
            volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
            work = find_phases(volumes, [dicom_header(volume) for volume in volumes])
        except Exception as error:  # whatever it is, the user sees it
            self._on_error(error)
            return
        self._set_busy(_("Looking at the volumes…"))
        self._search = Ticks(work, lambda step: self._say(step.message), self._found)

    def load_sample(self) -> None:
        """Simulates and loads the sample exam."""
        if self.busy:
            return
        self.sample_loaded = False
        self._set_busy(_("Simulating an exam…"))
        try:
            sample = SampleExam(lambda fraction, message: self._say(message), self._on_log, self._sample_ended)
            self._sample = sample
            if not sample.kept:
                install.ensure_dependencies(self._ui)
            if self._sample is sample:  # it was ended if the scene was closed during the installation
                sample.start()
        except Exception as error:  # whatever it is, the user sees it
            self._sample_ended(None, error)

    def end_now(self) -> None:
        """Ends what goes on."""
        for work in (self._sample, self._search):
            if isinstance(work, SampleExam):
                work.end_now()
            elif work is not None:
                work.stop()
        self._sample = self._search = None
        self._set_idle("")

    def _found(self, found: PhaseSuggestion | None, error: Exception | None) -> None:
        self._search = None
        if error is not None or found is None:
            self._set_idle("")
            self._on_error(error or UsageError(_("The volumes could not be looked at.")))
            return
        parameters = self._parameters()
        with slicer.util.NodeModify(parameters):
            for phase in ("noncontrast", "excretory", "nephrographic"):
                node = getattr(found, phase)
                if node is not None:
                    setattr(parameters, phase, node)
        names = {
            "noncontrast": _("Non-contrast"),
            "excretory": _("Excretory"),
            "nephrographic": _("Nephrographic"),
        }
        reasons = [f"{names[phase]}: {reason}" for phase, reason in found.reasons.items()]
        nothing = [] if reasons else [_("No phase of a CT urography exam was recognized.")]
        self._set_idle("\n".join([*reasons, *nothing, *found.warnings]))

    def _sample_ended(self, nodes: dict[str, Any] | None, error: Exception | None) -> None:
        self._sample = None
        self._set_idle("")
        if error is not None or nodes is None:
            self._on_error(error or UsageError(_("The exam could not be made.")))
            return
        parameters = self._parameters()
        with slicer.util.NodeModify(parameters):
            for phase, node in nodes.items():
                setattr(parameters, phase, node)
        self.sample_loaded = True
        self._say(_("A simulated exam; no person was scanned."))

    def _set_busy(self, message: str) -> None:
        self._ui.findPhasesButton.enabled = self._ui.loadSampleButton.enabled = False
        self._say(message)

    def _set_idle(self, message: str) -> None:
        self._ui.findPhasesButton.enabled = self._ui.loadSampleButton.enabled = True
        self._say(message)

    def _say(self, message: str) -> None:
        self._ui.phasesLabel.text = message
        self._ui.phasesLabel.visible = bool(message)
