from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.web.cells import CHECKERBOARD, ONE, SIDE_BY_SIDE, THREE_PLANES
from NephroSynthLib.web.commands import Commands
from NephroSynthLib.web.exam_ratings import RatingFile
from NephroSynthLib.web.page_state import first_state
from NephroSynthLib.web.rated_exams import RatedExams
from NephroSynthLib.web.viewed_exams import ViewedExam


class State(dict[str, Any]):
    """Variables by name, as attributes too; trame's state has both."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class View:
    def __init__(self) -> None:
        self.zoomed: list[float] = []

    def zoom(self, by: float) -> None:
        self.zoomed.append(by)


class Views:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.one, self.slices, self.fitted = View(), [], []  # type: ignore[var-annotated]

    def shown(self) -> list[View]:
        return [self.one]

    def scroll(self, slices: float) -> None:
        self.slices.append(slices)

    def fit(self, view: View) -> None:
        self.fitted.append(view)


class Page:
    """The commands with all that they act on, and the exams that were opened."""

    def __init__(self, folder: Path) -> None:
        exams = [ViewedExam(name, None, "unknown", "No result.") for name in ("a", "b")]
        self.state, self.views, self.opened = State(first_state("exams")), Views(), []  # type: ignore[var-annotated]
        rated = RatedExams(exams, RatingFile(folder / "ratings.csv"))
        self._commands = Commands(self.state, self.views, rated, self.opened.append)  # type: ignore[arg-type]

    def send(self, name: str, value: Any = None, loaded: bool = True) -> None:
        self._commands.carry_out(name, value, loaded)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_the_layouts_follow_each_other(page: Page) -> None:
    page.state.layout = SIDE_BY_SIDE
    seen = []
    for _ in range(3):
        page.send("layout")
        seen.append(page.state.layout)
    assert seen == [THREE_PLANES, ONE, SIDE_BY_SIDE]


def test_a_comparison_needs_another_layout_than_the_phases_side_by_side(page: Page) -> None:
    page.state.layout = SIDE_BY_SIDE
    page.send("content", CHECKERBOARD)
    assert (page.state.content, page.state.layout) == (CHECKERBOARD, ONE)
    page.state.layout = THREE_PLANES
    page.send("content", CHECKERBOARD)
    assert page.state.layout == THREE_PLANES


@pytest.mark.parametrize("command", ["paint", "__init__", "plane", "content"])
def test_unknown_names_and_values_change_nothing(page: Page, command: str) -> None:
    before = dict(page.state)
    page.send(command, "nothing")
    assert page.state == before


def test_views_are_left_alone_until_an_exam_is_shown(page: Page) -> None:
    for name in ("scroll", "zoom", "reset"):
        page.send(name, 1, loaded=False)
    assert (page.views.slices, page.views.one.zoomed, page.views.fitted) == ([], [], [])
    page.send("scroll", "2")
    page.send("zoom", 9)
    page.send("zoom", -9)
    assert (page.views.slices, page.views.one.zoomed) == ([2.0], [0.8, -4.0])


def test_a_reset_fits_the_views_and_takes_the_usual_window(page: Page) -> None:
    page.state.update({"width": 1, "level": 2})
    page.send("reset")
    assert (page.views.fitted, page.state.width, page.state.level) == ([page.views.one], 400, 50)


def test_exams_are_opened_by_steps_and_by_their_index(page: Page) -> None:
    page.state.exam = 1
    page.send("step", "-1")
    page.send("open", 1)
    assert page.opened == [0, 1]


def test_a_grade_is_kept_with_the_note_that_is_written(page: Page) -> None:
    page.state.note = "good"
    page.send("rate", 4)
    assert (page.state.rating, page.state.rated) == (4, 1)
    page.send("note", "better")
    assert (page.state.rating, page.state.exams[0]["rating"]) == (4, 4)


def test_a_phone_shows_one_view_without_drawers(page: Page) -> None:
    page.send("width", 390)
    assert (page.state.phone, page.state.show_list, page.state.show_panel, page.state.layout) == (
        True,
        False,
        False,
        ONE,
    )
    page.send("width", 1920)
    assert (page.state.phone, page.state.show_list) == (False, True)


def test_the_outlines_are_switched(page: Page) -> None:
    page.send("outlines")
    assert page.state.outlines is False
