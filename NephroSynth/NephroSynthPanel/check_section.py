"""The section for the registration check: the verdict, figures for each kidney, and views of the overlay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from NephroSynthLib.mrml import display
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.mrml.transform_nodes import FieldView, show_field
from NephroSynthLib.mrml.views import fit_views
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.steps import Change, Steps
from NephroSynthLib.session.verdict import registration_verdict
from NephroSynthPanel.result_section import ResultSection

FLICKER_MS = 250
"""Each phase is shown for this time, so both are shown twice a second."""


class CheckSection(ResultSection):
    """Shows how well the registered excretory phase matches the non-contrast phase."""

    def __init__(
        self,
        ui: Any,
        loop: EventLoop,
        run: Callable[[], RunNodes | None],
        on_error: Callable[[Exception], None],
    ) -> None:
        super().__init__(ui, loop, run, on_error)
        self._modes = (ui.checkerboardButton, ui.flickerButton, ui.beforeButton)
        self._flicker = qt.QTimer()
        self._flicker.interval = FLICKER_MS
        self._flicker.connect("timeout()", self._flick)
        self._upper_shown = False
        ui.reportButton.connect("clicked()", lambda: self._do(open_report))
        ui.checkerboardButton.connect("toggled(bool)", self._checkerboard)
        ui.tilesSpinBox.connect("valueChanged(int)", self._tiles_changed)
        ui.flickerButton.connect("toggled(bool)", self._flicker_toggled)
        ui.beforeButton.connect("toggled(bool)", self._before)
        ui.fadeSlider.connect("valueChanged(double)", self._fade)
        ui.gridButton.connect("toggled(bool)", lambda on: self._field_toggled(ui.gridButton, on))
        ui.vectorsButton.connect("toggled(bool)", lambda on: self._field_toggled(ui.vectorsButton, on))
        ui.resetViewsButton.connect("clicked()", lambda: self._do(self._reset_views))
        ui.rightKidneyButton.connect("clicked()", lambda: self._do(self._jump, "right"))
        ui.leftKidneyButton.connect("clicked()", lambda: self._do(self._jump, "left"))
        ui.outlinesCheckBox.connect("toggled(bool)", lambda on: self._do(self._outlines, on))
        ui.surfacesCheckBox.connect("toggled(bool)", lambda on: self._do(self._surfaces, on))

    def update(self) -> None:
        """Shows the figures of the current run."""
        run = self._run()
        ui = self._ui
        visible = run is not None and run.noncontrast is not None and run.registered is not None
        for widget in (*self._modes, ui.tilesSpinBox, ui.fadeSlider):
            widget.enabled = visible
        ui.beforeButton.enabled = visible and run.excretory is not None
        for button in (ui.gridButton, ui.vectorsButton):
            button.enabled = run is not None and run.transform is not None
        ui.resetViewsButton.enabled = run is not None
        kidneys = run is not None and run.kidneys is not None
        for widget in (ui.rightKidneyButton, ui.leftKidneyButton, ui.outlinesCheckBox, ui.surfacesCheckBox):
            widget.enabled = kidneys
        if kidneys:
            ui.rightKidneyButton.enabled = display.kidney_centre(run.kidneys, "right") is not None
            ui.leftKidneyButton.enabled = display.kidney_centre(run.kidneys, "left") is not None
            ui.outlinesCheckBox.checked = display.has_outlines(run.kidneys)
            ui.surfacesCheckBox.checked = display.has_surfaces(run.kidneys)
        ui.reportButton.enabled = run is not None and run.report is not None
        ui.verdictLabel.text = _verdict(run)
        ui.registrationTableView.setMRMLTableNode(self._table(run))

    def stop(self) -> None:
        """Ends the checkerboard, the flicker and the view before registration."""
        self._latest.drop()
        for button in (*self._modes, self._ui.gridButton, self._ui.vectorsButton):
            button.checked = False

    def _table(self, run: RunNodes | None) -> Any:
        if run is None or "registration" not in run.summary:
            return None
        from NephroSynthLib.mrml.tables import registration_table

        name = _("{result} registration").format(result=run.synthetic.GetName())
        table = registration_table(slicer.mrmlScene, run.summary, name, run.registrationTable)
        run.add("registrationTable", table)
        return table

    def _leave_others(self, button: Any, on: bool) -> None:
        """Ends the other views when one starts."""
        for other in self._modes if on else ():
            if other is not button:
                other.checked = False

    def _checkerboard(self, on: bool) -> None:
        self._leave_others(self._ui.checkerboardButton, on)
        self._do(self._show_checkerboard if on else self._show_faded)

    def _show_checkerboard(self, run: RunNodes) -> None:
        name = _("{result} checkerboard").format(result=run.synthetic.GetName())
        tiles = self._ui.tilesSpinBox.value
        scene, volumes, made = slicer.mrmlScene, (run.noncontrast, run.registered), run.checkerboard

        def show(board: Any) -> None:
            run.add("checkerboard", board)
            if self._ui.checkerboardButton.checked:
                display.show_volume(scene, board)

        def work() -> Steps[Change[Any]]:
            from NephroSynthLib.mrml.comparison import checkerboard

            return checkerboard(scene, *volumes, tiles, name, made)

        self._compute(work, show)

    def _show_faded(self, run: RunNodes) -> None:
        self._overlay(run, run.registered, self._ui.fadeSlider.value)

    def _tiles_changed(self, count: int) -> None:
        if self._ui.checkerboardButton.checked:
            self._checkerboard(True)

    def _flicker_toggled(self, on: bool) -> None:
        self._leave_others(self._ui.flickerButton, on)
        self._flicker.stop()
        self._do(self._start_flicker if on else self._show_faded)

    def _start_flicker(self, run: RunNodes) -> None:
        self._overlay(run, run.registered, 0.0)
        self._upper_shown = False
        self._flicker.start()

    def _flick(self) -> None:
        self._upper_shown = not self._upper_shown
        display.set_foreground_opacity(slicer.mrmlScene, float(self._upper_shown))

    def _before(self, on: bool) -> None:
        self._leave_others(self._ui.beforeButton, on)
        self._do(self._show_before if on else self._show_faded)

    def _show_before(self, run: RunNodes) -> None:
        if run.excretory is not None:
            display.set_ct_window(run.excretory)
        self._overlay(run, run.excretory, self._ui.fadeSlider.value)

    def _fade(self, opacity: float) -> None:
        for button in (self._ui.checkerboardButton, self._ui.flickerButton):
            button.checked = False
        self._do(self._show_before if self._ui.beforeButton.checked else self._show_faded)

    def _overlay(self, run: RunNodes, upper: Any, opacity: float) -> None:
        if run.noncontrast is not None and upper is not None:
            display.set_ct_window(run.noncontrast)
            display.overlay(slicer.mrmlScene, run.noncontrast, upper, opacity)

    def _field_toggled(self, button: Any, on: bool) -> None:
        """Shows one of grid and vectors, or neither."""
        ui = self._ui
        other = ui.vectorsButton if button is ui.gridButton else ui.gridButton
        if on:
            other.checked = False
        self._do(self._show_field)

    def _show_field(self, run: RunNodes) -> None:
        if run.transform is not None:
            grid, vectors = self._ui.gridButton.checked, self._ui.vectorsButton.checked
            show_field(run.transform, FieldView.GRID if grid else FieldView.VECTORS if vectors else FieldView.HIDDEN)

    def _reset_views(self, run: RunNodes) -> None:
        fit_views(slicer.mrmlScene, run.noncontrast or run.synthetic)

    def _jump(self, run: RunNodes, side: str) -> None:
        centre = display.kidney_centre(run.kidneys, side)
        if centre is not None:
            display.centre_on(slicer.mrmlScene, centre)

    def _outlines(self, run: RunNodes, on: bool) -> None:
        if run.kidneys is not None:
            display.show_outlines(run.kidneys, on)

    def _surfaces(self, run: RunNodes, on: bool) -> None:
        if run.kidneys is None or on == display.has_surfaces(run.kidneys):
            return
        try:
            display.show_surfaces(run.kidneys, on)
        finally:
            self._ui.surfacesCheckBox.checked = display.has_surfaces(run.kidneys)
        views = slicer.app.layoutManager()
        if on and views is not None:
            views.resetThreeDViews()


def open_report(run: RunNodes) -> None:
    """Opens the HTML report of a run in the web browser."""
    file = Path(slicer.app.temporaryPath) / f"NephroSynth-{run.report.GetID()}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(run.report.GetText(), encoding="utf-8")
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(file)))


def _verdict(run: RunNodes | None) -> str:
    """The verdict on the registration of a run, with its reasons, as sentences."""
    if run is None:
        return _("There is no result yet.")
    found = registration_verdict(run.summary)
    if found is None:
        return _("This result says nothing about its registration.")
    word = _("Registration passed.") if found.passed else _("Registration did not pass: look closely.")
    return "\n".join([word, *found.reasons])
