"""The section Advanced: devices with their free memory and models with their card, asked from a worker when opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.conversation import Message
from NephroSynthPanel import install
from NephroSynthPanel.parameters import DEFAULT_MODEL, TORCH_DEVICES, Parameters, restore_defaults
from NephroSynthPanel.worker_process import WorkerProcess

_OTHER = "other-file"


class AdvancedSection:
    """Fills the menus of devices and models, and keeps them and the parameters alike.

    Args:
        ui: The panel's widgets.
        parameters: Gives the present parameter node.
        on_error: Called with what went wrong.
    """

    def __init__(
        self, ui: Any, parameters: Callable[[], Parameters | None], on_error: Callable[[Exception], None]
    ) -> None:
        self._ui, self._parameters, self._on_error = ui, parameters, on_error
        self._worker: WorkerProcess | None = None
        self._known: dict[str, Any] | None = None
        self._filling = False
        ui.advancedSection.connect("contentsCollapsed(bool)", self._opened)
        ui.restoreDefaultsButton.connect("clicked()", self._restore)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self._device_chosen)
        ui.modelComboBox.connect("currentIndexChanged(int)", self._model_chosen)

    def update(self) -> None:
        """Shows the parameters' device and model."""
        parameters = self._parameters()
        if parameters is None:
            return
        self._filling = True
        devices = {one["name"]: one["title"] for one in (self._known or {}).get("devices", ())}
        names = {name: devices.get(name, title) for name, title in TORCH_DEVICES.items()} | devices
        _fill(self._ui.deviceComboBox, names, parameters.device)
        models = [one for one in (self._known or {}).get("models", ()) if one["task"] == "synthesis"]
        titles = {one["name"]: one["name"] for one in models} or {DEFAULT_MODEL: DEFAULT_MODEL}
        _fill(self._ui.modelComboBox, titles, parameters.model)
        self._ui.modelComboBox.addItem(_("Other file…"), _OTHER)
        card = next((one for one in models if one["name"] == parameters.model), None)
        self._ui.modelCardLabel.text = model_card(card) if card else ""
        self._ui.modelCardLabel.visible = card is not None
        self._ui.deviceInfoLabel.visible = self._known is not None
        self._filling = False

    def end_now(self) -> None:
        """Ends the question to the worker."""
        if self._worker is not None:
            self._worker.end_now()
            self._worker = None

    def _opened(self, collapsed: bool) -> None:
        if not collapsed:
            self.update()
        if collapsed or self._known is not None or self._worker is not None:
            return
        self._ui.deviceInfoLabel.visible = True
        if install.missing([*install.requirements(), install.TORCH]):
            self._ui.deviceInfoLabel.text = _("Devices and models are shown after the first use has installed PyTorch.")
            return
        self._ui.deviceInfoLabel.text = _("Asking PyTorch for its devices…")
        self._worker = WorkerProcess(_ignore, _ignore, self._answered)
        self._worker.start("inventory", {})

    def _answered(self, inventory: dict[str, Any] | None, error: Exception | None) -> None:
        self._worker = None
        if error is not None or inventory is None:
            self._ui.deviceInfoLabel.text = ""
            self._on_error(error or UsageError(_("PyTorch could not be asked for its devices.")))
            return
        self._known = inventory
        self._ui.deviceInfoLabel.text = devices_in_words(inventory["devices"])
        self.update()

    def _device_chosen(self, index: int) -> None:
        parameters = self._parameters()
        if not self._filling and parameters is not None and index >= 0:
            parameters.device = self._ui.deviceComboBox.itemData(index)

    def _model_chosen(self, index: int) -> None:
        parameters = self._parameters()
        if self._filling or parameters is None or index < 0:
            return
        chosen = self._ui.modelComboBox.itemData(index)
        if chosen == _OTHER:
            chosen = qt.QFileDialog.getOpenFileName(
                self._ui.modelComboBox, _("Model"), "", _("NephroSynth models (*.safetensors)")
            )
            chosen = chosen[0] if isinstance(chosen, tuple) else chosen
        if chosen:
            parameters.model = chosen
        self.update()

    def _restore(self) -> None:
        parameters = self._parameters()
        if parameters is not None:
            restore_defaults(parameters)


def devices_in_words(devices: list[Mapping[str, Any]]) -> str:
    """What PyTorch sees, and how much memory is free there."""
    lines = [
        _("{title}: {free:.1f} GB free").format(title=one["title"], free=one["free_bytes"] / 2**30) for one in devices
    ]
    if len(devices) == 1:
        lines.append(_("PyTorch sees no GPU; the CPU computes."))
    return "\n".join(lines)


def model_card(card: Mapping[str, Any]) -> str:
    """What a model says of itself, for the panel."""
    training = card["training"]
    return "\n".join(
        (
            _("Method: {method}").format(method=card["method"]),
            _("Trained on: {data}").format(data=training.get("data", "?")),
            _("Licence: {licence}").format(licence=card["licence"]),
            _("sha256: {digest}…").format(digest=card["sha256"][:16]),
        )
    )


def _fill(box: Any, items: Mapping[str, str], chosen: str) -> None:
    box.clear()
    for data, text in {**items, **({} if chosen in items else {chosen: chosen})}.items():
        box.addItem(text, data)
    box.currentIndex = box.findData(chosen)


def _ignore(message: Message | str) -> None:
    """The panel shows nothing of this worker but its answer."""
