"""The position of the excretory phase before the registration: a transform, which can be moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml import display
from NephroSynthLib.mrml.kidney_nudge import KidneyNudge
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.mrml.transform_nodes import movable_transform, place_handles, show_handles
from NephroSynthLib.mrml.views import Ras
from NephroSynthPanel.parameters import Parameters

_SIDES = ("", "right", "left")
"""The items of the menu for what the handles move. The first is the whole phase."""


class StartPosition:
    """Places the excretory phase under a transform. The volume itself keeps the choice.

    A run reads the phases as they lie in the world, so the registration starts from there. The handles move the whole
    phase or one kidney.

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
        self._tag: int | None = None
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
        self._let_go()
        volume, parameters = self._volume(), self._parameters()
        if not on or volume is None or parameters is None:
            return
        side = _SIDES[self._ui.nudgeComboBox.currentIndex]
        try:
            self._handled = self._kidney(parameters, side) if side else self._whole(volume)
        except UsageError as error:
            self.stop()
            self._on_error(error)
            return
        show_handles(self._handled, True)
        self.update()
        if parameters.noncontrast is not None:
            for node in (parameters.noncontrast, volume):
                display.set_ct_window(node)
            display.overlay(slicer.mrmlScene, parameters.noncontrast, volume, 0.5)

    def _let_go(self) -> None:
        """Hides the handles, and follows them no more."""
        handled, tag = self._handled, self._tag
        self._handled = self._tag = None
        if tag is not None:
            handled.RemoveObserver(tag)
        if handled is not None:
            show_handles(handled, False)

    def _whole(self, volume: Any) -> Any:
        """The transform of the whole phase, with its handles in the middle of the volume."""
        transform = volume.GetParentTransformNode()
        if transform is None or not transform.IsLinear():
            transform = movable_transform(slicer.mrmlScene, volume, _("EP start position"))
        place_handles(volume)
        return transform

    def _kidney(self, parameters: Parameters, side: str) -> Any:
        """The transform of a kidney, which the blend of the kidneys follows.

        Raises:
            UsageError: If the kidney is not known, or the phases move together.
        """
        kidneys = self._kidneys(parameters)
        if side not in kidneys:
            raise UsageError(
                _("This kidney is not known yet. Choose a segmentation of the kidneys, or apply once before.")
            )
        nudge = KidneyNudge(slicer.mrmlScene, parameters.excretory, parameters.noncontrast, kidneys)
        handle = nudge.handle(side)
        self._tag = handle.AddObserver(handle.TransformModifiedEvent, lambda caller, event: nudge.update())
        display.centre_on(slicer.mrmlScene, kidneys[side][len(kidneys[side]) // 2])
        return handle

    def _kidneys(self, parameters: Parameters) -> dict[str, list[Ras]]:
        """Points of each kidney of the non-contrast phase that is known, by side, RAS mm."""
        run = self._run()
        kidneys = parameters.kidneysInput
        if kidneys is None and run is not None and run.noncontrast is parameters.noncontrast:
            kidneys = run.kidneys
        if kidneys is None or parameters.noncontrast is None or not kidneys.IsA("vtkMRMLSegmentationNode"):
            return {}
        found = {side: display.kidney_points(kidneys, side) for side in _SIDES[1:]}
        return {side: points for side, points in found.items() if points}
