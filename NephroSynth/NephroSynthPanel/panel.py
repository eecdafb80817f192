"""The panel: its sections, and the parameter node that they share."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from NephroSynthLib.files.notice import RESEARCH_ONLY, SIMULATED_TRAINING
from NephroSynthLib.mrml import display
from NephroSynthLib.mrml.run_nodes import ROLE, SYNTHETIC, RunNodes, run_nodes
from NephroSynthPanel.advanced_section import AdvancedSection
from NephroSynthPanel.batch_section import BatchSection
from NephroSynthPanel.check_section import CheckSection
from NephroSynthPanel.comparison_section import ComparisonSection
from NephroSynthPanel.export_section import ExportSection
from NephroSynthPanel.inputs_section import InputsSection
from NephroSynthPanel.parameters import OUTPUTS, Parameters
from NephroSynthPanel.run_section import RunSection
from NephroSynthPanel.start_position import StartPosition

_VOLUME = "vtkMRMLScalarVolumeNode"


class Panel:
    """Connects widgets, parameters and sections.

    Args:
        ui: The panel's widgets, by name.
        logic: The module's logic, which gives the scene's parameter node and carries out all tasks.

    Attributes:
        loop: The event loop of all tasks.
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self._ui, self._find_parameters = ui, logic.parameters
        self._parameters: Parameters | None = None
        self._gui_tag = 0
        self._observer_tag = 0
        self._shown_result: str | None = None
        ui.noticeLabel.text = f"{RESEARCH_ONLY} {SIMULATED_TRAINING}"
        ui.resultSelector.addAttribute(_VOLUME, ROLE, SYNTHETIC)
        self.loop = logic.loop
        self.run = RunSection(ui, logic, self.parameters, self._finished)
        self.inputs = InputsSection(ui, logic, self.parameters, self.run.show_error, self.run.log)
        self.start = StartPosition(ui, self.parameters, self.current_run, self.run.show_error)
        self.advanced = AdvancedSection(ui, self.loop, self.parameters, self.run.show_error)
        self.check = CheckSection(ui, self.loop, self.current_run, self.run.show_error)
        self.comparison = ComparisonSection(ui, self.loop, self.current_run, self.run.show_error)
        self.export = ExportSection(ui, logic, self.current_run, self.run.log)
        self.batch = BatchSection(ui, logic, self.parameters, self._finished, self.run.log)
        ui.errorWidget.visible = ui.progressWidget.visible = ui.phasesLabel.visible = False

    def parameters(self) -> Parameters | None:
        """The parameters that the widgets show, or None if there are none."""
        return self._parameters

    def current_run(self) -> RunNodes | None:
        """The run that is checked, compared and exported, or None if there is none."""
        return run_nodes(self._parameters.result) if self._parameters is not None else None

    def open(self) -> None:
        """Connects the widgets with the parameter node of the present scene."""
        found = self._find_parameters()
        if found is None or (self._parameters and self._parameters.parameterNode is found.parameterNode):
            return
        self.disconnect()
        self._parameters = found
        found.parameterNode.SetUndoEnabled(True)
        self._gui_tag = found.connectParametersToGui(self._widgets())
        self._observer_tag = found.AddObserver(vtk.vtkCommand.ModifiedEvent, self._changed)
        for name, selector in self._kidneys().items():
            selector.setCurrentNode(getattr(found, name))
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self._kidneys_chosen)
        self._changed(None, None)

    def pause(self) -> None:
        """Stops the flicker and hides the handles, because Slicer shows another module."""
        self.check.stop()
        self.start.stop()

    def disconnect(self) -> None:
        """Disconnects the widgets from the parameter node."""
        if self._parameters is None:
            return
        self.check.stop()
        self.comparison.stop()
        self.start.stop()
        parameters, self._parameters = self._parameters, None
        for selector in self._kidneys().values():
            selector.disconnect("currentNodeChanged(vtkMRMLNode*)", self._kidneys_chosen)
        parameters.disconnectGui(self._gui_tag)
        parameters.RemoveObserver(self._observer_tag)
        self._shown_result = None

    def end_work(self, status: str) -> None:
        """Ends all tasks before this method returns.

        Args:
            status: The message to show if a run was in progress.
        """
        running = self.run.running
        self.run.end_now()
        self.inputs.end_now()
        self.export.end_now()
        self.batch.end_now()
        if running:
            self.run.tell(status)

    def close(self) -> None:
        """Ends all work, because the module is unloaded."""
        self.end_work(_("The run was ended."))
        self.advanced.end_now()
        self.disconnect()

    def _widgets(self) -> dict[str, Any]:
        ui = self._ui
        return {
            "noncontrast": ui.noncontrastSelector,
            "excretory": ui.excretorySelector,
            "nephrographic": ui.nephrographicSelector,
            "landmarks": ui.landmarksSelector,
            "excretoryLandmarks": ui.excretoryLandmarksSelector,
            "landmarkUse": ui.landmarkUseComboBox,
            "synthetic": ui.syntheticSelector,
            "excretoryOutput": ui.excretoryOutputSelector,
            "kidneysOutput": ui.kidneysOutputSelector,
            "transformOutput": ui.transformOutputSelector,
            "uncertaintyOutput": ui.uncertaintyOutputSelector,
            "wantExcretory": ui.wantExcretoryCheckBox,
            "wantKidneys": ui.wantKidneysCheckBox,
            "wantTransform": ui.wantTransformCheckBox,
            "wantUncertainty": ui.wantUncertaintyCheckBox,
            "registration": ui.registrationComboBox,
            "steps": ui.stepsSpinBox,
            "samples": ui.samplesSpinBox,
            "excretoryDelay": ui.excretoryDelaySpinBox,
            "nephrographicDelay": ui.nephrographicDelaySpinBox,
            "weight": ui.weightSpinBox,
            "iodine": ui.iodineSpinBox,
            "egfr": ui.egfrSpinBox,
            "seed": ui.seedSpinBox,
            "spacingX": ui.spacingXSpinBox,
            "spacingY": ui.spacingYSpinBox,
            "spacingZ": ui.spacingZSpinBox,
            "result": ui.resultSelector,
        }

    def _kidneys(self) -> dict[str, Any]:
        """The selectors for several node types. The parameter node wrapper of older Slicers cannot connect these."""
        return {"kidneysInput": self._ui.kidneysInputSelector}

    def _kidneys_chosen(self, node: Any) -> None:
        if self._parameters is not None:
            self._parameters.kidneysInput = node

    def _changed(self, caller: Any, event: Any) -> None:
        parameters = self._parameters
        if parameters is None:
            return
        for name, selector in self._kidneys().items():
            if selector.currentNode() is not getattr(parameters, name):
                selector.setCurrentNode(getattr(parameters, name))
        self._ui.uncertaintyOutputSelector.enabled = parameters.wantUncertainty and parameters.samples > 1
        for name in ("excretory", "kidneys", "transform"):
            wanted = getattr(parameters, f"want{name.capitalize()}")
            getattr(self._ui, f"{name}OutputSelector").enabled = wanted
        self.run.update()
        self.start.update()
        self.advanced.update()
        shown = parameters.result.GetID() if parameters.result is not None else ""
        if shown != self._shown_result:
            self._shown_result = shown
            self.show_run()

    def show_run(self) -> None:
        """Shows the figures of the current run."""
        self.check.stop()
        self.comparison.stop()
        self.check.update()
        self.comparison.update()
        self.export.update()

    def _finished(self, run: RunNodes) -> None:
        parameters = self._parameters
        if parameters is None:
            return
        self._shown_result = None
        with slicer.util.NodeModify(parameters):
            for name in OUTPUTS:  # the next run makes a new result; what is overwritten is chosen each time
                setattr(parameters, name, None)
            parameters.result = run.synthetic
        self._changed(None, None)
        self._ui.inputsSection.collapsed = True
        self._ui.checkSection.collapsed = False
        if run.kidneys is not None:
            display.show_outlines(run.kidneys, True)
            run.kidneys.GetDisplayNode().SetVisibility2DFill(False)  # a fill would hide the texture of the kidneys
        display.show_volume(slicer.mrmlScene, run.synthetic)
