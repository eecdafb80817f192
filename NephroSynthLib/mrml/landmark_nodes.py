"""Landmarks: the points of Markups lists, in the world."""

from __future__ import annotations

from pathlib import Path

import slicer

Lps = tuple[float, float, float]


def points_of(
    node: slicer.vtkMRMLMarkupsFiducialNode, frame: slicer.vtkMRMLTransformableNode | None = None
) -> dict[str, Lps]:
    """The defined points of a list in LPS mm, by name. A point whose name is missing or taken has its number.

    Transforms above the list are applied.

    Args:
        node: The list.
        frame: A node in whose own coordinates the points are wanted. None for the world.
    """
    found: dict[str, Lps] = {}
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
            continue
        point = list(node.GetNthControlPointPositionWorld(index))
        if frame is not None:
            frame.TransformPointFromWorld(list(point), point)
        right, anterior, superior = point
        name = node.GetNthControlPointLabel(index)
        found[name if name and name not in found else f"#{index + 1}"] = (-right, -anterior, superior)
    return found


def write_points(
    node: slicer.vtkMRMLMarkupsFiducialNode, path: Path, frame: slicer.vtkMRMLTransformableNode | None = None
) -> None:
    """Writes the points of a list as the table that a run reads. The frame is that of `points_of`."""
    from NephroSynthLib.registration.markups import as_table

    path.write_text(as_table(points_of(node, frame)), encoding="utf-8")
