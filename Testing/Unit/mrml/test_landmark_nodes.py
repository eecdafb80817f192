"""Landmarks of the scene reach the run as it reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
import vtk

from NephroSynthLib.mrml.landmark_nodes import points_of, write_points
from NephroSynthLib.registration.markups import read_points


@pytest.fixture
def markups(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLMarkupsFiducialNode:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    for name, point in (("hilum", (1.0, 2.0, 3.0)), ("", (4.0, 5.0, 6.0)), ("hilum", (7.0, 8.0, 9.0))):
        node.AddControlPoint(vtk.vtkVector3d(*point), name)
    return node


def test_points_are_lps_in_the_world_with_a_name_each(
    scene: slicer.vtkMRMLScene, markups: slicer.vtkMRMLMarkupsFiducialNode
) -> None:
    moved = vtk.vtkMatrix4x4()
    moved.SetElement(2, 3, 10.0)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "parent")
    parent.SetMatrixTransformToParent(moved)
    markups.SetAndObserveTransformNodeID(parent.GetID())
    markups.SetNthControlPointLabel(1, "")
    assert points_of(markups) == {"hilum": (-1, -2, 13), "#2": (-4, -5, 16), "#3": (-7, -8, 19)}


def test_a_run_reads_the_same_points(markups: slicer.vtkMRMLMarkupsFiducialNode, tmp_path: Path) -> None:
    write_points(markups, tmp_path / "points.csv")
    (found,) = read_points(tmp_path / "points.csv")
    assert list(found.values()) == [pytest.approx(point) for point in points_of(markups).values()]


def test_a_point_that_is_not_placed_is_left_out(markups: slicer.vtkMRMLMarkupsFiducialNode) -> None:
    markups.UnsetNthControlPointPosition(0)
    assert len(points_of(markups)) == 2
