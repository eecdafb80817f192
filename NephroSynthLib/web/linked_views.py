"""The slice views of the page: their layouts, and one movement for all views of a plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

from NephroSynthLib.web.cells import (
    ONE,
    PHASE_VIEWS,
    PLANE_VIEWS,
    PLANES,
    SIDE_BY_SIDE,
    THREE_D_VIEW,
    THREE_PLANES,
    Choice,
    cells_of,
    phases_of,
)
from NephroSynthLib.web.exam_scene import ExamScene
from NephroSynthLib.web.page import view_overlay


class LinkedViews:
    """The views of one page. They move only while an exam is in the scene.

    Args:
        app: Owns the views.
        server: The server of the page, whose state holds the sliders.
        scene: The exam.
        choice: Returns the choice of the user.
    """

    def __init__(self, app: SlicerApp, server: Any, scene: ExamScene, choice: Callable[[], Choice]) -> None:
        self._app, self._state, self._scene, self._choice = app, server.state, scene, choice
        self._linking = False
        register_rca_factories(
            app.view_manager,
            server,
            slice_view_ui_f=lambda server, view, _: view_overlay(server, view, with_slider=True),
            three_d_view_ui_f=lambda server, view, _: view_overlay(server, view, with_slider=False),
        )
        self._layouts = LayoutManager(app.scene, app.view_manager, server)
        self._layouts.register_layout_dict(_layouts())
        self._connect()

    def place(self, page: Any) -> None:
        """Puts the grid of the views into the page that is being built."""
        self._layouts.initialize_layout_grid(page)

    def _connect(self) -> None:
        mode = self._app.app_logic.GetInteractionNode()
        mode.SetCurrentInteractionMode(mode.AdjustWindowLevel)  # the left button changes the window
        for name in (*PHASE_VIEWS, *PLANE_VIEWS):
            view = self.view(name)
            view.render_window().SetMultiSamples(0)  # they show pixels, which several samples only slow down
            view.modified.connect(self._moved)
            view.interactor().AddObserver("WindowResizeEvent", lambda *_, view=view: self.fit(view))

    def arrange(self, choice: Choice, fit: bool) -> None:
        """Shows the layout and the plane of a choice; `fit` also fits the views to the volumes of a new exam."""
        count = len(phases_of(self._scene.volumes))
        name = f"{SIDE_BY_SIDE}-{count}" if choice.layout == SIDE_BY_SIDE else choice.layout
        turned = [view for view in map(self.view, PHASE_VIEWS) if view.get_orientation() != choice.plane]
        for view in turned:
            view.set_orientation(choice.plane)
        centred = list(map(self.view, (*PHASE_VIEWS, *PLANE_VIEWS))) if fit else turned
        changed = self._layouts.layout_id != name
        self._layouts.set_layout(name)
        if self._scene.kidneys is not None:
            for view in centred:  # the hidden ones too, which another layout shows later
                view.get_view_node().JumpSliceByOffsetting(*self._scene.centre())
        if centred or changed:
            for view in self.shown():
                self.fit(view)

    def view(self, name: str) -> Any:
        """Returns a view by name."""
        return self._app.view_manager.get_view(name)

    def shown(self) -> list[Any]:
        """Returns the slice views that are on the page."""
        return [self.view(name) for name in cells_of(self._choice(), self._scene.volumes)]

    def fit(self, view: Any) -> None:
        """Fits a view to its volume; the slice stays."""
        if self._scene.kidneys is None:
            return
        before = view.get_slice_value()
        view.fit_view_to_content()
        view.set_slice_value(before)

    def _moved(self, view: Any) -> None:
        """Moves the other views of a plane with one, and the sliders with them."""
        if self._linking or self._scene.kidneys is None:
            return
        self._linking = True
        try:
            value = view.get_slice_value()
            same = [one for one in self.shown() if one.get_orientation() == view.get_orientation()]
            for one in same:
                one.set_slice_value(value)
            with self._state as state:
                for one in {view, *same}:
                    name = one.get_singleton_tag()
                    low, high = one.get_slice_range()
                    state[f"{name}_low"], state[f"{name}_high"] = round(low, 2), round(high, 2)
                    state[f"{name}_step"], state[f"{name}_mm"] = round(one.get_slice_step(), 3), round(value, 2)
        finally:
            self._linking = False

    def slide(self, name: str) -> None:
        """Moves a view to where its slider stands."""
        if not self._linking and self._scene.kidneys is not None:
            view = self.view(name)
            if abs(view.get_slice_value() - self._state[f"{name}_mm"]) > 0.01:
                view.set_slice_value(self._state[f"{name}_mm"])

    def scroll(self, steps: float) -> None:
        """Moves the first view, and with it those of its plane, by slices."""
        view = self.shown()[0]
        low, high = view.get_slice_range()
        value = view.get_slice_value() + steps * view.get_slice_step()
        view.set_slice_value(float(min(max(value, low), high)))


def _layouts() -> dict[str, Layout]:
    slices = [ViewLayoutDefinition.slice_view("Axial", label=name) for name in PHASE_VIEWS]
    planes = [
        ViewLayoutDefinition.slice_view(plane, label=name) for plane, name in zip(PLANES, PLANE_VIEWS, strict=True)
    ]
    space = ViewLayoutDefinition.threed_view(name=THREE_D_VIEW, background_color=("#000000", "#1b2026"))
    across, down = LayoutDirection.Horizontal, LayoutDirection.Vertical
    return {
        f"{SIDE_BY_SIDE}-1": Layout(across, slices[:1]),
        f"{SIDE_BY_SIDE}-2": Layout(across, slices[:2]),
        f"{SIDE_BY_SIDE}-3": Layout(across, slices[:3]),
        f"{SIDE_BY_SIDE}-4": Layout(down, [Layout(across, slices[:2]), Layout(across, slices[2:])]),
        THREE_PLANES: Layout(down, [Layout(across, [planes[0], space]), Layout(across, planes[1:])]),
        ONE: Layout(across, slices[:1]),
    }
