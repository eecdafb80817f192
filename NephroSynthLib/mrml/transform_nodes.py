"""Transforms and landmarks between ITK's files, which count in LPS, and MRML nodes, which count in RAS."""

from __future__ import annotations

from pathlib import Path

import slicer

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.mrml.i18n import tr as _


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
        raise UnreadableInputError(
            _("The transform '{name}' cannot be read: it is missing or damaged.").format(name=path.name)
        )
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTransformNode", scene.GenerateUniqueName(name))
    else:
        node.SetName(name)
    node.SetAndObserveTransformFromParent(read.GetTransformFromParent())
    return node


def transforms_above(node: slicer.vtkMRMLTransformableNode) -> list[slicer.vtkMRMLTransformNode]:
    """All transforms that a node lies under, the nearest first."""
    found = []
    parent = node.GetParentTransformNode()
    while parent is not None:
        found.append(parent)
        parent = parent.GetParentTransformNode()
    return found
