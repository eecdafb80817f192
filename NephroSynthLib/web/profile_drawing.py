"""A drawing of HU along a line, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = {"noncontrast": "#9aa5b1", "excretory": "#35b3a3", "synthetic": "#e08a1e", "acquired": "#6f93ff"}
"""The colour of each phase by its role, as in the report's histogram, on a dark ground."""

_WIDTH, _HEIGHT = 340, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 24, 34
_STEPS = (10, 20, 25, 50, 100, 200, 250, 500, 1000)


def profile_svg(distance_mm: Sequence[float], curves: Mapping[str, Sequence[float]]) -> str:
    """Draws the curves of some phases.

    Args:
        distance_mm: Distances along the line, at least two.
        curves: HU at these distances by the role of the phase; NaN where the phase has no voxel.
    """
    known = [hu for curve in curves.values() for hu in curve if not math.isnan(hu)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    step = next((one for one in _STEPS if (high - low) / one <= 5), _STEPS[-1])
    low, high = step * math.floor(low / step), step * math.ceil(max(high, low + 1) / step)
    length = distance_mm[-1] or 1.0

    def x(mm: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * mm / length

    def y(hu: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - hu) / (high - low)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="HU along the line" class="profile">']
    for hu in range(int(low), int(high) + 1, step):
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(hu):.1f}" y2="{y(hu):.1f}" class="rule"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y(hu) + 4:.1f}" text-anchor="end">{_minus(hu)}</text>')
    for mm in _marks(length):
        parts.append(f'<text x="{x(mm):.1f}" y="{_HEIGHT - 19}" text-anchor="middle">{mm:g}</text>')
    parts.append(f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 4}" text-anchor="middle">mm along the line</text>')
    parts.append(f'<text x="{_LEFT - 5}" y="12" text-anchor="end">HU</text>')
    for role, curve in curves.items():
        for piece in _pieces(distance_mm, curve):
            points = " ".join(f"{x(mm):.1f},{y(hu):.1f}" for mm, hu in piece)
            parts.append(f'<polyline points="{points}" stroke="{escape(COLOURS.get(role, "#fff"))}"/>')
    return "".join([*parts, "</svg>"])


def _pieces(distance_mm: Sequence[float], curve: Sequence[float]) -> list[list[tuple[float, float]]]:
    """Returns the parts of a curve between its gaps."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for mm, hu in zip(distance_mm, curve, strict=True):
        if not math.isnan(hu):
            pieces[-1].append((mm, hu))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if len(piece) > 1]


def _marks(length: float) -> list[float]:
    step = next((one for one in (1, 2, 5, 10, 20, 50, 100, 200) if length / one <= 6), 500)
    return [float(mm) for mm in range(0, math.floor(length) + 1, step)]


def _minus(hu: int) -> str:
    return str(hu).replace("-", "−")
