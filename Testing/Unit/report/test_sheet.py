"""A sheet of pictures as a PNG of the width that is asked for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from NephroSynthLib.report.planes import PIXEL_MM, Extent, axial
from NephroSynthLib.report.sheet import FILM, Outline, Scale, Tile, paint

PLANE = axial(0.0, Extent(np.array([-40.0, -40.0, -10.0]), np.array([40.0, 40.0, 10.0])))
SHAPE = (round(PLANE.height_mm / PIXEL_MM), round(PLANE.width_mm / PIXEL_MM))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def test_a_sheet_has_its_width_and_the_ground_of_film() -> None:
    picture = pixels(paint([[Tile(PLANE, np.full(SHAPE, 50.0))]], ["axial"], ["CT"], width=300))
    assert picture.shape[1] == 300
    assert tuple(picture[0, 0]) == tuple(int(FILM[place : place + 2], 16) for place in (1, 3, 5))


def test_values_become_grey_levels_of_the_window() -> None:
    dark, bright = (
        pixels(paint([[Tile(PLANE, np.full(SHAPE, hu))]], ["a"], ["b"], width=300)) for hu in (-150.0, 250.0)
    )
    centre = tuple(size // 2 for size in dark.shape[:2])
    assert tuple(dark[centre]) == (0, 0, 0)
    assert tuple(bright[centre]) == (255, 255, 255)


def test_outlines_and_colour_bars_are_drawn() -> None:
    inside = np.zeros(SHAPE)
    inside[20:60, 20:60] = 1
    values, scale = np.zeros(SHAPE), Scale("gray", 0.0, 1.0, "HU")
    plain = pixels(paint([[Tile(PLANE, values, scale)]], ["a"], ["b"], width=400))
    drawn = pixels(paint([[Tile(PLANE, values, scale, (Outline(inside, "#ff0000"),))]], ["a"], ["b"], width=400))
    red = (drawn[..., 0] > 200) & (drawn[..., 1] < 60) & (drawn[..., 2] < 60)
    assert red.sum() > 50
    assert plain.shape == drawn.shape
    assert not ((plain[..., 0] > 200) & (plain[..., 1] < 60)).any()
