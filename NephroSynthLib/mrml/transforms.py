"""Transforms and landmarks between ITK's files, which count in LPS, and MRML nodes, which count in RAS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from numpy.typing import NDArray

from NephroSynthLib.errors import UnreadableInputError, UsageError


def transform_from_file(
    scene: slicer.vtkMRMLScene, path: Path, name: str, node: slicer.vtkMRMLTransformNode | None = None
) -> slicer.vtkMRMLTransformNode:
    """A transform node that brings the excretory phase onto the non-contrast one, when that is put under it.

    ITK's file carries points of the non-contrast frame to the excretory frame, as its resampling needs it; in MRML
    that is the direction from parent.

    Args:
        scene: Where a new node is made.
        path: An ITK transform, e.g. `excretory_to_noncontrast.h5`.
        name: Of the node.
        node: Updated in place if given.

    Raises:
        UnreadableInputError: If the file is missing, damaged or no transform; the scene is then as it was.
    """
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    read = slicer.vtkMRMLTransformNode()
    if not path.is_file() or not storage.ReadData(read) or read.GetTransformFromParent() is None:
        raise UnreadableInputError(f"The transform '{path.name}' cannot be read: it is missing or damaged.")
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTransformNode", scene.GenerateUniqueName(name))
    else:
        node.SetName(name)
    node.SetAndObserveTransformFromParent(read.GetTransformFromParent())
    return node


def landmarks(
    noncontrast: slicer.vtkMRMLMarkupsNode, excretory: slicer.vtkMRMLMarkupsNode
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pairs of landmarks: the points of two markups nodes in their order, where they lie in the world.

    Returns:
        (N, 3) points each in LPS mm, first those of the non-contrast phase.

    Raises:
        UsageError: If the nodes have different numbers of defined points.
    """
    pair = _points(noncontrast), _points(excretory)
    if len(pair[0]) != len(pair[1]):
        raise UsageError(
            f"'{noncontrast.GetName()}' has {len(pair[0])} points, but '{excretory.GetName()}' has {len(pair[1])}.",
            "Give each landmark in both phases, in the same order.",
        )
    return pair


def _points(node: slicer.vtkMRMLMarkupsNode) -> NDArray[np.float64]:
    points = []
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) == slicer.vtkMRMLMarkupsNode.PositionDefined:
            right, anterior, superior = node.GetNthControlPointPositionWorld(index)
            points.append((-right, -anterior, superior))
    return np.array(points, dtype=np.float64).reshape(-1, 3)
