"""The position of the excretory phase before the registration: a transform, which can be moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.mrml import display
from NephroSynthLib.mrml.transform_nodes import movable_transform, show_handles
from NephroSynthPanel.parameters import Parameters


class StartPosition:
    """Places the excretory phase under a linear transform. The volume itself keeps the choice.

    A run reads the phases as they lie in the world, so the registration starts from there.

    Args:
        ui: The panel's widgets.
        parameters: Gives the present parameter node.
    """

    def __init__(self, ui: Any, parameters: Callable[[], Parameters | None]) -> None:
        self._ui, self._parameters = ui, parameters
        self._filling = False
        self._handled: Any = None
        ui.startSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._chosen)
        ui.nudgeButton.connect("toggled(bool)", self._nudge)

    def update(self) -> None:
        """Shows the transform above the excretory phase."""
        volume = self._volume()
        self._filling = True
        self._ui.startSelector.setCurrentNode(volume.GetParentTransformNode() if volume is not None else None)
        self._filling = False
        self._ui.startSelector.enabled = self._ui.nudgeButton.enabled = volume is not None
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
        transform = volume.GetParentTransformNode()
        if transform is None or not transform.IsLinear():
            transform = movable_transform(slicer.mrmlScene, volume, _("EP start position"))
        show_handles(transform, True)
        self._handled = transform
        self.update()
        if parameters.noncontrast is not None:
            for node in (parameters.noncontrast, volume):
                display.set_ct_window(node)
            display.overlay(slicer.mrmlScene, parameters.noncontrast, volume, 0.5)
