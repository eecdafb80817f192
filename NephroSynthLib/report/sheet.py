"""A sheet of pictures in rows and columns at one scale, painted with matplotlib, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.report.planes import PIXEL_MM, Plane

FILM, INK, MUTED, AMBER = "#0c0e11", "#e6e9ee", "#aeb6c1", "#f0b84a"
SIDE_COLOURS = {"right": "#f28e2b", "left": "#4cc3e0"}

_DPI = 100
_GAP, _TOP, _LEFT, _BAR = 6, 40, 34, 88
_EDGED = (withStroke(linewidth=3, foreground=FILM),)


@dataclass(frozen=True)
class Scale:
    """A matplotlib colour map between two values; `bar` is the label of its colour bar, if it has one."""

    colours: str
    lower: float
    upper: float
    bar: str = ""


CT = Scale("gray", LOWER_HU, UPPER_HU)


@dataclass(frozen=True)
class Outline:
    """The border of a region, drawn in a colour where its membership (row, column), in [0, 1], crosses one half."""

    membership: NDArray[np.number]
    colour: str
    dotted: bool = False


@dataclass(frozen=True)
class Tile:
    """One picture: values (row, column), or colours (row, column, 3) in [0, 1], of a plane."""

    plane: Plane
    values: NDArray[np.number]
    scale: Scale = CT
    outlines: tuple[Outline, ...] = field(default=())
    note: str = ""


def paint(rows: Sequence[Sequence[Tile]], columns: Sequence[str], names: Sequence[str], width: int = 1800) -> bytes:
    """Paints tiles at one scale, with orientation letters, scale bars and colour bars.

    Args:
        rows: The tiles; each row has one for each column.
        columns: Titles of the columns.
        names: Names of the rows.
        width: Width of the picture in pixels.

    Returns:
        A PNG.
    """
    scales = [tile.scale for row in rows for tile in row if tile.scale.bar]
    bar = _BAR if scales else 0
    widest = max(tile.plane.width_mm for row in rows for tile in row)
    cell = (width - _LEFT - bar - _GAP * len(columns)) / len(columns)
    heights = [max(tile.plane.height_mm for tile in row) * cell / widest for row in rows]
    height = _TOP + sum(heights) + _GAP * len(rows)
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=FILM)
    canvas = FigureCanvasAgg(figure)

    def place(left: float, top: float, w: float, h: float) -> Axes:
        return figure.add_axes((left / width, 1 - (top + h) / height, w / width, h / height))

    def write(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, text, ha="center", va="center", fontsize=14, **style)

    for column, title in enumerate(columns):
        write(_LEFT + column * (cell + _GAP) + cell / 2, _TOP / 2, title, color=INK)
    top = float(_TOP)
    for row, name, tall in zip(rows, names, heights, strict=True):
        write(_LEFT / 2, top + tall / 2, name, color=MUTED, rotation=90)
        for column, tile in enumerate(row):
            axes = place(_LEFT + column * (cell + _GAP), top, cell, tall)
            _tile(axes, tile, widest, tall * widest / cell, first=column == 0)
        top += tall + _GAP
    if scales:
        tall = min(420.0, 0.8 * sum(heights))
        _colour_bar(place(width - bar + 8, _TOP + (height - _TOP - tall) / 2, 14, tall), scales[0])
    return png(canvas)


def png(canvas: FigureCanvasAgg) -> bytes:
    """Returns the content of a canvas as a PNG."""
    canvas.draw()  # type: ignore[no-untyped-call]
    buffer = io.BytesIO()
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    Image.fromarray(pixels[..., :3]).save(buffer, format="PNG")
    return buffer.getvalue()


def _tile(axes: Axes, tile: Tile, width_mm: float, height_mm: float, *, first: bool) -> None:
    plane, scale = tile.plane, tile.scale
    axes.set_axis_off()
    axes.imshow(
        tile.values,
        cmap=scale.colours,
        vmin=scale.lower,
        vmax=scale.upper,
        extent=(0, plane.width_mm, plane.height_mm, 0),
        interpolation="bilinear",
        aspect="auto",
    )
    for outline in tile.outlines:
        _outline(axes, outline)
    left, top = (plane.width_mm - width_mm) / 2, (plane.height_mm - height_mm) / 2
    axes.set_xlim(left, left + width_mm)
    axes.set_ylim(top + height_mm, top)
    _letters(axes, plane)
    if first:
        _scale_bar(axes)
    if tile.note:
        axes.annotate(
            tile.note, (0.02, 0.97), xycoords="axes fraction", color=AMBER, fontsize=11, va="top", path_effects=_EDGED
        )


def _outline(axes: Axes, outline: Outline) -> None:
    inside = outline.membership
    if inside.max() < 0.5 or inside.min() > 0.5:
        return
    x, y = ((np.arange(count) + 0.5) * PIXEL_MM for count in inside.shape[::-1])
    style = ":" if outline.dotted else "-"
    axes.contour(x, y, inside, [0.5], colors=outline.colour, linewidths=1.6, linestyles=style)


def _letters(axes: Axes, plane: Plane) -> None:
    inset = 0.03 * np.ptp(axes.get_xlim())
    middle_x, middle_y = plane.width_mm / 2, plane.height_mm / 2
    places = (
        (inset, middle_y),
        (plane.width_mm - inset, middle_y),
        (middle_x, inset),
        (middle_x, plane.height_mm - inset),
    )
    for (x, y), letter in zip(places, plane.letters, strict=True):
        axes.text(x, y, letter, color=INK, fontsize=13, ha="center", va="center", path_effects=_EDGED)


def _scale_bar(axes: Axes, length_mm: float = 50.0) -> None:
    left, right = axes.get_xlim()
    bottom, _ = axes.get_ylim()
    margin = 0.04 * (right - left)
    start, y = left + margin, bottom - margin
    axes.plot([start, start + length_mm], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt", path_effects=_EDGED)
    middle = start + length_mm / 2
    axes.text(middle, y - margin / 3, "5 cm", color=INK, fontsize=12, ha="center", va="bottom", path_effects=_EDGED)


def _colour_bar(axes: Axes, scale: Scale) -> None:
    bar = axes.figure.colorbar(ScalarMappable(Normalize(scale.lower, scale.upper), scale.colours), cax=axes)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=12, length=3)
    bar.ax.set_title(scale.bar, color=INK, fontsize=12, pad=10)
