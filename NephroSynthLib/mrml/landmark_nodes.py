"""Landmarks: the points of Markups lists, in the world."""

from __future__ import annotations

from pathlib import Path

import slicer

Lps = tuple[float, float, float]


def points_of(node: slicer.vtkMRMLMarkupsFiducialNode) -> dict[str, Lps]:
    """The defined points of a list in LPS mm, by name. A point whose name is missing or taken has its number.

    Transforms above the list are applied.
    """
    found: dict[str, Lps] = {}
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
            continue
        right, anterior, superior = node.GetNthControlPointPositionWorld(index)
        name = node.GetNthControlPointLabel(index)
        found[name if name and name not in found else f"#{index + 1}"] = (-right, -anterior, superior)
    return found


def write_points(node: slicer.vtkMRMLMarkupsFiducialNode, path: Path) -> None:
    """Writes the points of a list as the table that a run reads."""
    from NephroSynthLib.registration.markups import as_table

    path.write_text(as_table(points_of(node)), encoding="utf-8")
