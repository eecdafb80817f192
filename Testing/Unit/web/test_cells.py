"""Tests what the views show for a choice and the volumes that an exam has."""

from __future__ import annotations

import itertools

import pytest

from NephroSynthLib.web.cells import (
    COMPARISONS,
    ONE,
    PHASES,
    PLANE_VIEWS,
    SIDE_BY_SIDE,
    THREE_PLANES,
    Choice,
    cells_of,
    contents_of,
    pair_of,
)

ALL = {*PHASES, "uncertainty"}


def test_phases_stand_side_by_side_in_their_order() -> None:
    cells = cells_of(Choice(), ALL)
    assert [cell.background for cell in cells.values()] == ["noncontrast", "excretory", "synthetic", "acquired"]
    assert [cell.synthetic for cell in cells.values()] == [False, False, True, False]
    assert len(cells_of(Choice(), {"excretory", "synthetic"})) == 2


def test_three_planes_show_one_content() -> None:
    cells = cells_of(Choice(layout=THREE_PLANES, content="acquired"), ALL)
    assert tuple(cells) == PLANE_VIEWS
    assert len(set(cells.values())) == 1


@pytest.mark.parametrize(
    ("choice", "background", "foreground", "opacity", "synthetic"),
    [
        (Choice(ONE, content="fade", fade=0.3), "noncontrast", "excretory", 0.3, False),
        (Choice(ONE, content="fade", first="acquired", second="synthetic"), "acquired", "synthetic", 0.5, True),
        (Choice(ONE, content="flicker"), "noncontrast", "excretory", 0.0, False),
        (Choice(ONE, content="flicker", flipped=True), "noncontrast", "excretory", 1.0, False),
        (Choice(ONE, content="checkerboard"), "checkerboard", "", 0.0, False),
        (Choice(ONE, content="checkerboard", first="synthetic"), "checkerboard", "", 0.0, True),
        (Choice(ONE, content="difference", second="acquired"), "synthetic", "difference", 0.5, True),
        (Choice(ONE, content="uncertainty"), "synthetic", "uncertainty", 0.5, True),
    ],
    ids=lambda value: value.content if isinstance(value, Choice) else "",
)
def test_a_comparison(choice: Choice, background: str, foreground: str, opacity: float, synthetic: bool) -> None:
    (cell,) = cells_of(choice, ALL).values()
    assert (cell.background, cell.foreground, cell.opacity, cell.synthetic) == (
        background,
        foreground,
        opacity,
        synthetic,
    )


def test_every_choice_has_a_pair_of_two_phases_that_are_there() -> None:
    for roles in ({"excretory", "synthetic"}, {"noncontrast", "excretory", "synthetic"}, set(PHASES)):
        for content, first, second in itertools.product(COMPARISONS, PHASES, PHASES):
            pair = pair_of(Choice(content=content, first=first, second=second), roles)
            assert len(set(pair)) == 2
            assert set(pair) <= roles


def test_everything_that_shows_the_synthetic_phase_is_marked() -> None:
    for layout, content, first, second in itertools.product((SIDE_BY_SIDE, ONE), contents_of(ALL), PHASES, PHASES):
        choice = Choice(layout, content=content, first=first, second=second)
        for cell in cells_of(choice, ALL).values():
            made = {"synthetic", "difference", "uncertainty"} & {cell.background, cell.foreground}
            mixed = cell.background == "checkerboard" and "synthetic" in pair_of(choice, ALL)
            assert cell.synthetic == bool(made or mixed)


def test_only_what_has_volumes_is_offered() -> None:
    assert set(contents_of(ALL)) == {*PHASES, *COMPARISONS}
    assert "uncertainty" not in contents_of(PHASES)
    assert list(contents_of({"synthetic"})) == ["synthetic"]
    assert cells_of(Choice(ONE, content="uncertainty"), PHASES)["View1"].background == "synthetic"
