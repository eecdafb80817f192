"""The section Advanced: the devices with their free memory, and the models with their cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from NephroSynthLib.errors import Cancelled, UsageError
from NephroSynthLib.options import EXCRETORY_DELAY
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.steps import Steps
from NephroSynthLib.session.task import Plan, Task, TaskListener
from NephroSynthPanel import installation
from NephroSynthPanel.parameters import FACTS, OPTIONS, TORCH_DEVICES, Parameters, restore_defaults

_OTHER = "other-file"
_OTHERS = {"totalsegmentator": _("TotalSegmentator (installed)")}
"""The titles of segmenters that are no models of this project."""
_TASKS = {"model": "synthesis", "segmenter": "segmentation"}
"""The parameters that name a model, and its task."""


class AdvancedSection:
    """Fills the menus of devices and models, and keeps them in step with the parameters.

    A worker tells the devices and models when the section is opened for the first time.

    Args:
        ui: The panel's widgets.
        loop: The event loop.
        parameters: Gives the present parameter node.
        on_error: Called with each error.
    """

    def __init__(
        self,
        ui: Any,
        loop: EventLoop,
        parameters: Callable[[], Parameters | None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._ui, self._loop, self._parameters, self._on_error = ui, loop, parameters, on_error
        self._task: Task[dict[str, Any]] | None = None
        self._known: dict[str, Any] | None = None
        self._filling = False
        _explain(ui)
        ui.advancedSection.connect("contentsCollapsed(bool)", self._opened)
        ui.restoreDefaultsButton.connect("clicked()", self._restore)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self._device_chosen)
        ui.modelComboBox.connect("currentIndexChanged(int)", lambda index: self._model_chosen("model", index))
        ui.segmenterComboBox.connect("currentIndexChanged(int)", lambda index: self._model_chosen("segmenter", index))

    def update(self) -> None:
        """Shows the device and the model of the parameters."""
        parameters = self._parameters()
        if parameters is None:
            return
        self._filling = True
        devices = {one["name"]: one["title"] for one in (self._known or {}).get("devices", ())}
        names = {name: devices.get(name, title) for name, title in TORCH_DEVICES.items()} | devices
        _fill(self._ui.deviceComboBox, names, parameters.device)
        models = (self._known or {}).get("models", ())
        for name, task in _TASKS.items():
            box, usual = getattr(self._ui, f"{name}ComboBox"), OPTIONS[name].default
            titles = {one["name"]: one["name"] for one in models if one["task"] == task} or {usual: usual}
            if name == "segmenter":
                titles |= {other: _OTHERS[other] for other in (self._known or {}).get("segmenters", ())}
            _fill(box, titles, getattr(parameters, name))
            box.addItem(_("Other file…"), _OTHER)
        card = next((one for one in models if one["name"] == parameters.model), None)
        self._ui.modelCardLabel.text = model_card(card) if card else ""
        self._ui.modelCardLabel.visible = card is not None
        self._ui.deviceInfoLabel.visible = self._known is not None
        self._filling = False

    def end_now(self) -> None:
        """Ends the worker that tells the devices, before this method returns."""
        if self._task is not None:
            task, self._task = self._task, None
            task.end_now()

    def _opened(self, collapsed: bool) -> None:
        if not collapsed:
            self.update()
        if collapsed or self._known is not None or self._task is not None:
            return
        self._ui.deviceInfoLabel.visible = True
        if installation.missing([*installation.requirements(), installation.TORCH]):
            self._ui.deviceInfoLabel.text = _("Devices and models are shown after the first use has installed PyTorch.")
            return
        self._ui.deviceInfoLabel.text = _("Asking PyTorch for its devices…")
        plan = Plan(command="inventory", load=_inventory)
        self._task = Task(self._loop, plan, Path(slicer.app.temporaryPath), TaskListener(on_end=self._answered))
        self._task.start()

    def _answered(self, inventory: dict[str, Any] | None, error: Exception | None) -> None:
        self._task = None
        if error is not None or inventory is None:
            self._ui.deviceInfoLabel.text = ""
            if not isinstance(error, Cancelled):
                self._on_error(error or UsageError(_("PyTorch could not be asked for its devices.")))
            return
        self._known = inventory
        self._ui.deviceInfoLabel.text = devices_in_words(inventory["devices"])
        self.update()

    def _device_chosen(self, index: int) -> None:
        parameters = self._parameters()
        if not self._filling and parameters is not None and index >= 0:
            parameters.device = self._ui.deviceComboBox.itemData(index)

    def _model_chosen(self, name: str, index: int) -> None:
        """Takes the chosen model as the parameter `name`, or lets the user choose a file."""
        parameters = self._parameters()
        if self._filling or parameters is None or index < 0:
            return
        box = getattr(self._ui, f"{name}ComboBox")
        chosen = box.itemData(index)
        if chosen == _OTHER:
            chosen = qt.QFileDialog.getOpenFileName(box, _("Model"), "", _("NephroSynth models (*.safetensors)"))
            chosen = chosen[0] if isinstance(chosen, tuple) else chosen
        if chosen:
            setattr(parameters, name, chosen)
        self.update()

    def _restore(self) -> None:
        parameters = self._parameters()
        if parameters is not None:
            restore_defaults(parameters)


def devices_in_words(devices: list[Mapping[str, Any]]) -> str:
    """The devices that PyTorch finds, with their free memory."""
    lines = [
        _("{title}: {free:.1f} GB free").format(title=one["title"], free=one["free_bytes"] / 2**30) for one in devices
    ]
    if len(devices) == 1:
        lines.append(_("PyTorch sees no GPU; the CPU computes."))
    return "\n".join(lines)


def model_card(card: Mapping[str, Any]) -> str:
    """The card of a model, for the panel."""
    training = card["training"]
    return "\n".join(
        (
            _("Method: {method}").format(method=card["title"]),
            _("Trained on: {data}").format(data=training.get("data", "?")),
            _("Licence: {licence}").format(licence=card["licence"]),
            _("sha256: {digest}…").format(digest=card["sha256"][:16]),
        )
    )


def _explain(ui: Any) -> None:
    """Shows the help of each option as the tooltip of its widget."""
    for name, option in {**FACTS, **OPTIONS}.items():
        found = (getattr(ui, f"{name}{kind}", None) for kind in ("SpinBox", "ComboBox"))
        next(widget for widget in found if widget is not None).toolTip = _(option.help)
    from_dicom = _("'from DICOM' takes it from the header of the excretory phase, if the header has it.")
    ui.excretoryDelaySpinBox.toolTip = f"{_(EXCRETORY_DELAY.help)} {from_dicom}"


def _fill(box: Any, items: Mapping[str, str], chosen: str) -> None:
    box.clear()
    for data, text in {**items, **({} if chosen in items else {chosen: chosen})}.items():
        box.addItem(text, data)
    box.currentIndex = box.findData(chosen)


def _inventory(folder: Path, result: dict[str, Any]) -> Steps[dict[str, Any]]:
    """Returns the result of the worker as it is."""
    return result
    yield
