"""The commands that keys, gestures and buttons of the page send to the viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from NephroSynthLib.imaging.window import LEVEL_HU, WIDTH_HU
from NephroSynthLib.web.cells import COMPARISONS, ONE, PLANES, SIDE_BY_SIDE, THREE_PLANES
from NephroSynthLib.web.rated_exams import RatedExams

if TYPE_CHECKING:
    from NephroSynthLib.web.linked_views import LinkedViews

_PHONE_PX = 700
_LAYOUTS = (SIDE_BY_SIDE, THREE_PLANES, ONE)
_LEAST_ZOOM, _MOST_ZOOM = -4.0, 0.8


class Commands:
    """Carries out commands by their name.

    Args:
        state: The variables of the page.
        views: The views.
        rated: The exams with their ratings.
        open_exam: Shows the exam of an index; an index without an exam is no error.
    """

    def __init__(self, state: Any, views: LinkedViews, rated: RatedExams, open_exam: Callable[[int], None]) -> None:
        self._state, self._views, self._rated, self._open = state, views, rated, open_exam
        self._acts: dict[str, Callable[[Any], None]] = {
            "layout": self._next_layout,
            "plane": self._choose_plane,
            "content": self._choose_content,
            "outlines": self._switch_outlines,
            "step": lambda by: self._open(self._state.exam + int(by)),
            "open": lambda index: self._open(int(index)),
            "rate": self._rate,
            "note": self._note,
            "width": self._fit_to_width,
        }
        self._acts_on_views: dict[str, Callable[[Any], None]] = {
            "scroll": lambda slices: self._views.scroll(float(slices)),
            "zoom": self._zoom,
            "reset": self._reset,
        }

    def carry_out(self, name: str, value: Any, loaded: bool) -> None:
        """Carries out a command of the page.

        Args:
            name: The command. Unknown ones are left out, because anybody with the link can send any name.
            value: Its value, if it has one.
            loaded: Whether an exam is shown; commands on its views wait for that.
        """
        if name in self._acts:
            self._acts[name](value)
        elif loaded and name in self._acts_on_views:
            self._acts_on_views[name](value)

    def _zoom(self, by: Any) -> None:
        for view in self._views.shown():
            view.zoom(max(_LEAST_ZOOM, min(_MOST_ZOOM, float(by))))

    def _reset(self, _: Any) -> None:
        for view in self._views.shown():
            self._views.fit(view)
        self._state.width, self._state.level = round(WIDTH_HU), round(LEVEL_HU)

    def _next_layout(self, _: Any) -> None:
        self._state.layout = _LAYOUTS[(_LAYOUTS.index(self._state.layout) + 1) % len(_LAYOUTS)]

    def _choose_plane(self, plane: Any) -> None:
        if plane in PLANES:
            self._state.plane = plane

    def _choose_content(self, content: Any) -> None:
        if content in COMPARISONS:
            self._state.content = content
            self._state.layout = ONE if self._state.layout == SIDE_BY_SIDE else self._state.layout

    def _switch_outlines(self, _: Any) -> None:
        self._state.outlines = not self._state.outlines

    def _rate(self, grade: Any) -> None:
        self._state.update(self._rated.rate(self._state.exam, int(grade), str(self._state.note or "")))

    def _note(self, text: Any) -> None:
        self._state.update(self._rated.note(self._state.exam, str(text or "")))

    def _fit_to_width(self, width_px: Any) -> None:
        phone = width_px < _PHONE_PX
        self._state.update({"phone": phone, "show_list": not phone, "show_panel": not phone, "help": False})
        if phone:
            self._state.layout = ONE
