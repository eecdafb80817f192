"""The section for the comparison: layouts, difference, uncertainty, figures, line profile and histogram."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from NephroSynthLib.mrml import colours, display, layouts, volume_rendering
from NephroSynthLib.mrml.run_nodes import RunNodes
from NephroSynthLib.mrml.views import Ras, Sight, fit_views, look, show, sight, slice_nodes, slice_views
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.steps import Change, Steps
from NephroSynthPanel.result_section import ResultSection

_UNCERTAINTY_OPACITY = 0.5


class ComparisonSection(ResultSection):
    """Compares the synthetic phase with the other phases. An acquired phase is optional."""

    def __init__(
        self,
        ui: Any,
        loop: EventLoop,
        run: Callable[[], RunNodes | None],
        on_error: Callable[[Exception], None],
    ) -> None:
        super().__init__(ui, loop, run, on_error)
        self._line: Any = None
        self._line_tags: list[int] = []
        self._fitted = ""
        self._at: Ras | None = None
        self._sights: dict[str, Sight] = {}
        self._fitter = qt.QTimer()
        self._fitter.singleShot = True
        self._fitter.interval = 0
        self._fitter.connect("timeout()", self._fit)
        ui.sideBySideButton.connect("clicked()", lambda: self._do(self._arrange, "side-by-side"))
        ui.twoByTwoButton.connect("clicked()", lambda: self._do(self._arrange, "two-by-two"))
        ui.threePlanesButton.connect("clicked()", lambda: self._do(self._arrange, "three-planes"))
        ui.restoreLayoutButton.connect("clicked()", lambda: self._do(self._arrange, "usual"))
        ui.linkCheckBox.connect("toggled(bool)", lambda on: display.link_slices(slicer.mrmlScene, on))
        ui.windowButton.connect("clicked()", lambda: self._do(self._window))
        ui.differenceButton.connect("toggled(bool)", lambda on: self._do(self._difference, on))
        ui.uncertaintyButton.connect("toggled(bool)", lambda on: self._do(self._uncertainty, on))
        ui.volumeButton.connect("toggled(bool)", lambda on: self._do(self._volume, on))
        ui.profileButton.connect("clicked()", lambda: self._do(self._profile))
        ui.histogramButton.connect("clicked()", lambda: self._do(self._histogram))
        ui.kidneyHUButton.connect("clicked()", lambda: self._do(self._kidney_hu))
        ui.comparisonSection.connect("contentsCollapsed(bool)", lambda collapsed: self.update())

    def update(self) -> None:
        """Shows the figures of the current run, and enables the buttons that apply to it."""
        run, ui = self._run(), self._ui
        there = run is not None
        if not there:
            self._fitted = ""
        for widget in (ui.sideBySideButton, ui.twoByTwoButton, ui.threePlanesButton, ui.windowButton):
            widget.enabled = there
        ui.profileButton.enabled = ui.histogramButton.enabled = there
        ui.differenceButton.enabled = there and run.reference is not None
        ui.uncertaintyButton.enabled = there and run.uncertainty is not None
        ui.kidneyHUButton.enabled = there and run.kidneys is not None
        ui.volumeButton.enabled = there
        ui.volumeButton.checked = there and volume_rendering.is_rendered(_rendering(), run.synthetic)
        compared = there and bool(run.summary.get("metrics"))
        ui.metricsLabel.text = (
            _("The synthetic phase against the acquired one, which was registered to it:")
            if compared
            else _("There is no acquired phase to compare with.")
        )
        ui.metricsLabel.visible = there
        ui.metricsTableView.visible = compared
        ui.metricsTableView.setMRMLTableNode(self._metrics(run) if compared else None)
        hu = run.kidneyHUTable if there else None
        ui.kidneyHUTableView.visible = hu is not None
        ui.kidneyHUTableView.setMRMLTableNode(hu)

    def stop(self) -> None:
        """Ends the views of difference and uncertainty, and stops following the line."""
        self._latest.drop()
        self._ui.differenceButton.checked = self._ui.uncertaintyButton.checked = False
        self._follow(None)

    def _arrange(self, run: RunNodes, layout: str) -> None:
        """Shows the phases in a layout; 'usual' shows the synthetic phase in Slicer's previous layout."""
        self._ui.differenceButton.checked = self._ui.uncertaintyButton.checked = False
        if layout == "usual":
            self._keep_sight()
            layouts.restore_layout(slicer.mrmlScene)
            display.show_volume(slicer.mrmlScene, run.synthetic)
        elif layout == "two-by-two":
            self._show(run, layout, [run.noncontrast, run.registered, run.synthetic, run.acquired])
        else:
            self._show(run, layout, [run.synthetic, run.reference])

    def _show(self, run: RunNodes, layout: str, volumes: list[Any], at: Ras | None = None) -> None:
        """Shows volumes in a layout.

        When the layout changes, all volumes get the same window and the views show the slices through `at`. The views
        are fitted to the volumes once for each exam. After that, new views keep the position and zoom of the old views.

        Args:
            run: The current run.
            layout: A key of `layouts.LAYOUTS`.
            volumes: One volume for each cell.
            at: RAS mm.
        """
        scene = slicer.mrmlScene
        self._keep_sight()
        changed = layouts.show_layout(scene, layout, volumes)
        display.link_slices(scene, self._ui.linkCheckBox.checked)
        exam = (run.noncontrast or run.synthetic).GetID()
        first = self._fitted != exam
        if changed or first:
            self._window(run)
        self._at = at if changed or first else None
        if first:
            self._fitted, self._sights = exam, {}

    def _keep_sight(self) -> None:
        """Stores the position and zoom of the views for the next layout, and applies them in the next turn."""
        self._sights = {node.GetID(): sight(node) for node in slice_nodes(slicer.mrmlScene)}
        self._at = None
        self._fitter.start()

    def _fit(self) -> None:
        """Applies the stored position and zoom. Fits the views to the volumes if nothing is stored."""
        run = self._run()
        if run is None:
            return
        if not self._sights:
            fit_views(slicer.mrmlScene, run.synthetic)
            self._at = self._at or _kidney(run)
        first = next(iter(self._sights.values()), None)
        for node in slice_nodes(slicer.mrmlScene) if first is not None else ():
            look(node, self._sights.get(node.GetID(), first))
        _go_to(self._at)

    def _window(self, run: RunNodes) -> None:
        for node in (*run.aligned.values(), run.excretory):
            if node is not None:
                display.set_ct_window(node)

    def _difference(self, run: RunNodes, on: bool) -> None:
        scene = slicer.mrmlScene
        if on:
            self._ui.uncertaintyButton.checked = False
            name = _("{result} difference").format(result=run.synthetic.GetName())
            reference, made, region = run.reference, run.difference, run.region

            def work() -> Steps[Change[Any]]:
                from NephroSynthLib.mrml.comparison import difference

                return difference(scene, run.synthetic, reference, name, made, region)

            self._compute(work, lambda node: self._show_difference(run, node))
            return
        self._show(run, "side-by-side", [run.synthetic, run.reference])
        if run.difference is not None:
            colours.show_legend(run.difference, False)

    def _show_difference(self, run: RunNodes, node: Any) -> None:
        run.add("difference", node)
        on = self._ui.differenceButton.checked  # something else may have been chosen meanwhile
        if on:
            self._show(run, "side-by-side", [run.synthetic, run.reference])
            show(slicer.mrmlScene, slice_views(slicer.mrmlScene)[1:], run.reference, node, 1.0)
        colours.show_legend(node, on)

    def _uncertainty(self, run: RunNodes, on: bool) -> None:
        scene = slicer.mrmlScene
        if on:
            self._ui.differenceButton.checked = False
            uncertainty = run.uncertainty

            def work() -> Steps[Change[Any]]:
                from NephroSynthLib.mrml.comparison import uncertainty_colours

                return uncertainty_colours(scene, uncertainty)

            self._compute(work, lambda node: self._show_uncertainty(run, node))
            return
        display.show_volume(scene, run.synthetic)
        if run.uncertainty is not None:
            colours.show_legend(run.uncertainty, False)

    def _show_uncertainty(self, run: RunNodes, node: Any) -> None:
        scene = slicer.mrmlScene
        if self._ui.uncertaintyButton.checked:  # something else may have been chosen meanwhile
            layouts.restore_layout(scene)
            display.overlay(scene, run.synthetic, node, _UNCERTAINTY_OPACITY)
            colours.show_legend(node, True, next(iter(slice_nodes(scene)), None))

    def _volume(self, run: RunNodes, on: bool) -> None:
        """Shows the synthetic phase in the 3D views, or hides it. A layout without a 3D view gives way."""
        if on == volume_rendering.is_rendered(_rendering(), run.synthetic):
            return
        if on:
            layouts.restore_layout(slicer.mrmlScene)
        volume_rendering.render(_rendering(), run.synthetic, on)
        views = slicer.app.layoutManager()
        if on and views is not None:
            views.resetThreeDViews()

    def _metrics(self, run: RunNodes) -> Any:
        from NephroSynthLib.mrml import tables

        name = _("{result} metrics").format(result=run.synthetic.GetName())
        table = tables.metrics_table(slicer.mrmlScene, run.summary, name, run.metricsTable)
        run.add("metricsTable", table)
        return table

    def _kidney_hu(self, run: RunNodes) -> None:
        name = _("{result} HU by kidney").format(result=run.synthetic.GetName())
        scene, volumes, kidneys, made = slicer.mrmlScene, run.aligned, run.kidneys, run.kidneyHUTable

        def show(table: Any) -> None:
            run.add("kidneyHUTable", table)
            self.update()

        def work() -> Steps[Change[Any]]:
            from NephroSynthLib.mrml.kidney_hu import kidney_hu_table

            return kidney_hu_table(scene, volumes, kidneys, name, made)

        self._compute(work, show)

    def _histogram(self, run: RunNodes) -> None:
        name = _("{result} histogram").format(result=run.synthetic.GetName())
        scene, volumes, kidneys, made = slicer.mrmlScene, run.aligned, run.kidneys, run.histogram

        def show(chart: Any) -> None:
            run.add("histogram", chart)
            self._show_chart(run, chart)

        def work() -> Steps[Change[Any]]:
            from NephroSynthLib.mrml.plots import histogram

            return histogram(scene, volumes, kidneys, name, made)

        self._compute(work, show)

    def _profile(self, run: RunNodes) -> None:
        """Plots the HU along the run's line, or lets the user draw the line if there is none."""
        scene = slicer.mrmlScene
        if run.line is None:
            line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", scene.GenerateUniqueName(_("HU profile")))
            line.CreateDefaultDisplayNodes()
            line.GetDisplayNode().SetPropertiesLabelVisibility(False)  # the label would cover the line
            run.add("line", line)
        if run.line.GetNumberOfDefinedControlPoints() < 2:
            self._follow(run.line)
            selection = slicer.app.applicationLogic().GetSelectionNode()
            selection.SetReferenceActivePlaceNodeClassName(run.line.GetClassName())
            selection.SetActivePlaceNodeID(run.line.GetID())
            interaction = slicer.app.applicationLogic().GetInteractionNode()
            interaction.SetCurrentInteractionMode(interaction.Place)
            self._ui.metricsLabel.text = _("Click the two ends of the line in a slice view.")
            self._ui.metricsLabel.visible = True
            return
        self._follow(run.line)
        self._plot_profile(run)

    def _follow(self, line: Any | None) -> None:
        """Plots again whenever the line changes. None follows no line."""
        if self._line is line:
            return
        for tag in self._line_tags:
            self._line.RemoveObserver(tag)
        events = (
            slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent,
            slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent,
        )
        self._line = line
        self._line_tags = [line.AddObserver(event, self._line_changed) for event in events] if line is not None else []

    def _line_changed(self, line: Any, event: str) -> None:
        run = self._run()
        if run is not None and run.line is line and line.GetNumberOfDefinedControlPoints() == 2:
            self._do(self._plot_profile)

    def _plot_profile(self, run: RunNodes) -> None:
        name = _("{result} profile").format(result=run.synthetic.GetName())

        def imports() -> Change[None]:
            from NephroSynthLib.mrml.plots import line_profile

            def plot() -> None:
                chart = line_profile(slicer.mrmlScene, run.line, run.aligned, name, run.profile)
                run.add("profile", chart)
                self._show_chart(run, chart, _middle(run.line))
                self.update()

            return plot

        self._change(imports)

    def _show_chart(self, run: RunNodes, chart: Any, at: Ras | None = None) -> None:
        from NephroSynthLib.mrml import plots

        self._show(run, "plots", [run.synthetic, run.reference], at)
        plots.show_chart(slicer.mrmlScene, chart)


def _rendering() -> Any:
    """The logic of Slicer's module Volume Rendering."""
    return slicer.modules.volumerendering.logic()


def _kidney(run: RunNodes) -> Ras | None:
    """The centre of a kidney, RAS mm, or None if the run has no kidney."""
    sides = ("right", "left") if run.kidneys is not None else ()
    centres = (display.kidney_centre(run.kidneys, side) for side in sides)
    return next((centre for centre in centres if centre is not None), None)


def _middle(line: Any) -> Ras:
    start, end = (line.GetNthControlPointPositionWorld(index) for index in (0, 1))
    right, anterior, superior = ((low + high) / 2 for low, high in zip(start, end, strict=True))
    return right, anterior, superior


def _go_to(point: Ras | None) -> None:
    """Moves the slice views to the slices through a point, and keeps their pan and zoom."""
    for node in slice_nodes(slicer.mrmlScene) if point is not None else ():
        node.JumpSliceByOffsetting(*point)
