"""Tests the drawing of a profile, read back as XML."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np

from NephroSynthLib.web.profile_drawing import COLOURS, profile_svg


def lines(svg: str) -> dict[str, list[list[tuple[float, float]]]]:
    """The points of the curves by colour."""
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for one in ElementTree.fromstring(svg).iter("polyline"):
        points = [tuple(map(float, point.split(","))) for point in one.attrib["points"].split()]
        found.setdefault(one.attrib["stroke"], []).append([(x, y) for x, y in points])
    return found


def test_a_straight_curve_is_drawn_straight_and_upwards() -> None:
    svg = profile_svg([0.0, 10.0, 20.0, 40.0], {"synthetic": [0.0, 50.0, 100.0, 200.0]})
    ((points,),) = lines(svg).values()
    x, y = np.array(points).T
    assert np.allclose(np.diff(y) / np.diff(x), (y[-1] - y[0]) / (x[-1] - x[0]), atol=0.02)
    assert (np.diff(y) < 0).all()


def test_phases_have_their_colours_and_share_one_scale() -> None:
    found = lines(profile_svg([0.0, 1.0], {"excretory": [100.0, 100.0], "acquired": [50.0, 100.0]}))
    assert set(found) == {COLOURS["excretory"], COLOURS["acquired"]}
    assert found[COLOURS["excretory"]][0][1] == found[COLOURS["acquired"]][0][1]


def test_a_gap_stays_a_gap() -> None:
    found = lines(profile_svg([0.0, 1.0, 2.0, 3.0, 4.0], {"acquired": [1.0, 2.0, math.nan, 3.0, 4.0]}))
    assert [len(piece) for piece in found[COLOURS["acquired"]]] == [2, 2]


def test_a_profile_outside_of_everything_has_no_curve() -> None:
    assert lines(profile_svg([0.0, 1.0], {"acquired": [math.nan, math.nan]})) == {}
