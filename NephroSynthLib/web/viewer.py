"""The viewer: binds the state of the page to the exam in the scene. trame-slicer renders the views on this side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trame.app import get_server
from trame_slicer import module as slicer_module
from trame_slicer.core import SlicerApp

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.jobs.failures import as_our_error
from NephroSynthLib.mrml.renderer_log import mute_renderer
from NephroSynthLib.session.steps import Steps
from NephroSynthLib.web.cells import (
    CHECKERBOARD,
    DIFFERENCE,
    FADE,
    FLICKER,
    PHASE_VIEWS,
    PHASES,
    PLANE_VIEWS,
    SIDE_BY_SIDE,
    THREE_D_VIEW,
    THREE_PLANES,
    UNCERTAINTY,
    Choice,
    cells_of,
    contents_of,
    pair_of,
    phases_of,
)
from NephroSynthLib.web.commands import Commands
from NephroSynthLib.web.exam_ratings import RatingFile
from NephroSynthLib.web.exam_scene import ExamScene, Reader
from NephroSynthLib.web.figure_tables import doubts_of, tables_of
from NephroSynthLib.web.linked_views import LinkedViews
from NephroSynthLib.web.page import build_page
from NephroSynthLib.web.page_state import first_state
from NephroSynthLib.web.profile_drawing import profile_svg
from NephroSynthLib.web.rated_exams import RatedExams
from NephroSynthLib.web.viewed_exams import ViewedExam

_FLICKER_S = 0.6
_CHOICE = ("layout", "plane", "content", "first", "second", "fade")
_WITHOUT_NONCONTRAST = "No result holds the non-contrast phase; give --noncontrast or --manifest to see it."
_WITHOUT_RESULT = "This exam has no result. {reason}"
_LOG = logging.getLogger(__name__)


class Viewer:
    """The application of one folder.

    Args:
        title: The name of the folder.
        exams: Its exams, at least one.
        sources: Functions that read non-contrast phases, by the name of the exam.
        ratings: Takes the ratings.
        pages: The other pages that the bar links to.
    """

    def __init__(
        self,
        title: str,
        exams: Sequence[ViewedExam],
        sources: Mapping[str, Reader],
        ratings: RatingFile,
        pages: Sequence[str],
    ) -> None:
        self.server = get_server(title, client_type="vue3")
        self.server.enable_module(slicer_module)
        self._exams, self._sources, self._rated = exams, sources, RatedExams(exams, ratings)
        mute_renderer()
        self._app = SlicerApp()
        self._scene = ExamScene(self._app.scene)
        self._state, self._flipped = self.server.state, False
        self._turn = asyncio.Lock()
        self._wanted = 0
        self._followed: set[str] = set()
        self._drawn: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._state.update(first_state(title) | self._rated.listed())
        self._views = LinkedViews(self._app, self.server, self._scene, self._choice)
        build_page(self.server, title, self._views.place, len(exams) > 1, pages)
        self._bind()

    def _bind(self) -> None:
        commands = Commands(self._state, self._views, self._rated, self._open_soon)
        self.server.trigger("command")(lambda name, value=None: commands.carry_out(name, value, self._loaded))
        self.server.controller.on_server_ready.add(lambda **_: self._start(self._open(0)))
        self._state.change("content")(lambda **_: self._choose_acquired())
        self._state.change(*_CHOICE)(lambda **_: self._start(self._refresh()))
        self._state.change("width", "level")(lambda **_: self._set_window())
        self._state.change("outlines")(lambda **_: self._when_loaded(self._outline))
        self._state.change("rendered")(lambda **_: self._when_loaded(self._render))
        self._state.change("profiled")(lambda **_: self._when_loaded(self._show_line))
        for view in (*PHASE_VIEWS, *PLANE_VIEWS):
            self._state.change(f"{view}_mm")(lambda view=view, **_: self._views.slide(view))

    # The exam

    async def _open(self, index: int) -> None:
        """Shows an exam. If another one is wanted while this one waits, this one is left out."""
        self._wanted = index
        async with self._turn:
            if self._wanted != index:
                return
            exam = self._exams[index]
            self._describe(index, exam)
            if exam.folder is None:
                self._scene.clear()
                self._fill({}, _WITHOUT_RESULT.format(reason=exam.verdict))
                return
            try:
                await self._run(self._scene.load(exam.folder, self._sources.get(exam.name)))
            except Exception as error:
                self._fill({}, str(_ours(error)))
                return
            self._followed.clear()
            self._follow_windows()
            self._fill(self._scene.summary, "")
        await self._refresh(fit=True)

    def _describe(self, index: int, exam: ViewedExam) -> None:
        with self._state as state:
            state.update(self._rated.described(index))
            state.update(
                {
                    "exam": index,
                    "exam_name": exam.name,
                    "exam_state": exam.state,
                    "report": f"/report/{index}" if exam.report else "",
                    "message": "Loading",
                    "profiled": False,
                    "rendered": False,
                }
            )

    def _fill(self, summary: Mapping[str, Any], message: str) -> None:
        warnings, notes = doubts_of(summary)
        phases = phases_of(self._scene.volumes)
        if summary and "noncontrast" not in phases:
            notes = [_WITHOUT_NONCONTRAST, *notes]
        with self._state as state:
            state.update(
                {
                    "warnings": warnings,
                    "notes": notes,
                    "tables": [asdict(table) for table in tables_of(summary)],
                    "message": message,
                    "phases": [{"title": PHASES[role], "value": role} for role in phases],
                    "contents": [
                        {"title": title, "value": name} for name, title in contents_of(self._scene.volumes).items()
                    ],
                }
            )
            if phases:
                before = Choice(first=state.first or "noncontrast", second=state.second or "excretory")
                state.first, state.second = pair_of(before, phases)

    # The views

    async def _refresh(self, fit: bool = False) -> None:
        """Shows the choice of the user, after the volumes that it needs are made."""
        async with self._turn:
            if not self._scene.volumes or self._scene.kidneys is None:
                return
            choice, roles = self._choice(), set(self._scene.volumes)
            content = choice.content if choice.layout != SIDE_BY_SIDE else ""
            try:
                if content in (CHECKERBOARD, DIFFERENCE) and content in contents_of(roles):
                    await self._run(self._scene.compare(content, pair_of(choice, roles)))
                    self._follow_windows()
            except Exception as error:
                self._fail(error)
                return
            self._views.arrange(choice, fit)
            self._show()
            if choice.layout == THREE_PLANES:
                self._scene.surfaces()
                if fit:
                    self._views.view(THREE_D_VIEW).reset_view()
        if content == FLICKER:
            self._start(self._flicker())

    def _choose_acquired(self) -> None:
        """Begins a difference with the acquired phase, if there is one."""
        if self._state.content == DIFFERENCE and "acquired" in self._scene.volumes:
            self._state.second = "acquired"

    def _show(self) -> None:
        choice = self._choice()
        cells = cells_of(choice, self._scene.volumes)
        self._scene.show(cells)
        with self._state as state:
            state.message = ""
            state.fades = choice.content in (FADE, DIFFERENCE, UNCERTAINTY)
            for view, cell in cells.items():
                state[f"{view}_title"], state[f"{view}_mark"] = cell.title, cell.synthetic
            self._show_legends()
            state[f"{THREE_D_VIEW}_title"] = "Kidneys"
            state[f"{THREE_D_VIEW}_mark"] = bool(state.rendered)
        for view in self._views.shown():
            view.schedule_render()

    def _show_legends(self) -> None:
        with self._state as state:
            for view, cell in cells_of(self._choice(), self._scene.volumes).items():
                ready = cell.foreground in self._scene.volumes
                legend = self._scene.legend(cell) if ready else None
                state[f"{view}_legend"] = asdict(legend) if legend else None

    async def _flicker(self) -> None:
        while self._state.content == FLICKER and self._state.layout != SIDE_BY_SIDE and self._scene.volumes:
            await asyncio.sleep(_FLICKER_S)
            if not self._turn.locked() and self._scene.volumes and self._state.content == FLICKER:
                self._flipped = not self._flipped
                self._show()
        self._flipped = False

    def _choice(self) -> Choice:
        return Choice(**{name: self._state[name] for name in _CHOICE}, flipped=self._flipped)

    # The window, the line and 3D

    def _set_window(self) -> None:
        self._when_loaded(lambda: self._scene.window(self._state.width, self._state.level))

    def _follow_windows(self) -> None:
        for node in self._scene.volumes.values():
            shown = node.GetDisplayNode()
            if node.GetID() not in self._followed:
                self._followed.add(node.GetID())
                shown.AddObserver("ModifiedEvent", self._window_changed)

    def _window_changed(self, display: Any, _event: str) -> None:
        """Follows the window, or the range of colours, that the left button has set in one view."""
        found = round(display.GetWindow()), round(display.GetLevel())
        phases = [self._scene.volumes[role].GetDisplayNode() for role in phases_of(self._scene.volumes)]
        if display not in phases:
            self._show_legends()
        elif found != (self._state.width, self._state.level):
            with self._state as state:
                state.width, state.level = found

    def _outline(self) -> None:
        self._scene.outlines(self._state.outlines)

    def _render(self) -> None:
        self._scene.render(self._app.volume_rendering._logic, self._state.rendered)
        self._show()

    def _show_line(self) -> None:
        line = self._scene.line(self._state.profiled)
        if line is not self._drawn:
            line.AddObserver("ModifiedEvent", lambda *_: self._draw_profile())
            self._drawn = line
        if self._state.profiled:
            self._draw_profile()

    def _draw_profile(self) -> None:
        try:
            drawing = profile_svg(*self._scene.profile())
        except NephroSynthError as error:
            drawing = f"<p>{error.what}</p>"
        with self._state as state:
            state.profile_svg = drawing

    # Work

    def _open_soon(self, index: int) -> None:
        if 0 <= index < len(self._exams):
            self._start(self._open(index))

    async def _run(self, steps: Steps[None]) -> None:
        """Carries out steps; between them the server answers."""
        with self._state as state:
            state.busy = True
        try:
            for step in steps:
                if self._state.message and self._state.message != step.message:
                    with self._state as state:
                        state.message = step.message
                await asyncio.sleep(0)
        finally:
            with self._state as state:
                state.busy = False

    @property
    def _loaded(self) -> bool:
        return self._scene.kidneys is not None

    def _when_loaded(self, act: Callable[[], None]) -> None:
        if self._loaded:
            act()

    def _fail(self, error: Exception) -> None:
        with self._state as state:
            state.message = str(_ours(error))

    def _start(self, work: Any) -> None:
        """Starts work that the event loop carries out, and keeps it from being collected."""
        task = asyncio.get_event_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _ours(error: Exception) -> NephroSynthError:
    ours = as_our_error(error)
    if ours is not error:
        _LOG.error("The exam cannot be shown.", exc_info=error)
    return ours
