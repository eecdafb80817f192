"""The position of the excretory phase before the registration: a transform, which can be moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml import display
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.mrml.transform_nodes import movable_transform, place_handles, show_handles
from NephroSynthLib.mrml.views import Ras
from NephroSynthPanel.parameters import Parameters

_SIDES = ("", "right", "left")
"""The items of the menu for the place of the handles."""


class StartPosition:
    """Places the excretory phase under a linear transform. The volume itself keeps the choice.

    A run reads the phases as they lie in the world, so the registration starts from there. The handles lie in a kidney
    or in the middle of the volume.

    Args:
        ui: The panel's widgets.
        parameters: Gives the present parameter node.
        run: Gives the current run, or None if there is none.
        on_error: Called with each error.
    """

    def __init__(
        self,
        ui: Any,
        parameters: Callable[[], Parameters | None],
        run: Callable[[], RunNodes | None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._ui, self._parameters, self._run, self._on_error = ui, parameters, run, on_error
        self._filling = False
        self._handled: Any = None
        ui.startSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._chosen)
        ui.nudgeButton.connect("toggled(bool)", self._nudge)
        ui.nudgeComboBox.connect("currentIndexChanged(int)", lambda index: self._nudge(ui.nudgeButton.checked))

    def update(self) -> None:
        """Shows the transform above the excretory phase."""
        volume = self._volume()
        self._filling = True
        self._ui.startSelector.setCurrentNode(volume.GetParentTransformNode() if volume is not None else None)
        self._filling = False
        for widget in (self._ui.startSelector, self._ui.nudgeComboBox, self._ui.nudgeButton):
            widget.enabled = volume is not None
        if volume is None:
            self.stop()

    def stop(self) -> None:
        """Hides the handles."""
        self._ui.nudgeButton.checked = False

    def _volume(self) -> Any:
        parameters = self._parameters()
        return parameters.excretory if parameters is not None else None

    def _chosen(self, transform: Any) -> None:
        volume = self._volume()
        if self._filling or volume is None:
            return
        self.stop()
        volume.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)

    def _nudge(self, on: bool) -> None:
        if self._handled is not None:
            show_handles(self._handled, False)
            self._handled = None
        volume, parameters = self._volume(), self._parameters()
        if not on or volume is None or parameters is None:
            return
        side = _SIDES[self._ui.nudgeComboBox.currentIndex]
        at = self._kidney(parameters, side) if side else None
        if side and at is None:
            self.stop()
            self._on_error(
                UsageError(
                    _("This kidney is not known yet. Choose a segmentation of the kidneys, or apply once before.")
                )
            )
            return
        transform = volume.GetParentTransformNode()
        if transform is None or not transform.IsLinear():
            transform = movable_transform(slicer.mrmlScene, volume, _("EP start position"))
        place_handles(volume, at)
        show_handles(transform, True)
        self._handled = transform
        self.update()
        if parameters.noncontrast is not None:
            for node in (parameters.noncontrast, volume):
                display.set_ct_window(node)
            display.overlay(slicer.mrmlScene, parameters.noncontrast, volume, 0.5)
        if at is not None:
            display.centre_on(slicer.mrmlScene, at)

    def _kidney(self, parameters: Parameters, side: str) -> Ras | None:
        """The centre of a kidney of the non-contrast phase, RAS mm, or None if it is not known."""
        run = self._run()
        kidneys = parameters.kidneysInput
        if kidneys is None and run is not None and run.noncontrast is parameters.noncontrast:
            kidneys = run.kidneys
        if kidneys is None or not kidneys.IsA("vtkMRMLSegmentationNode"):
            return None
        return display.kidney_centre(kidneys, side)
