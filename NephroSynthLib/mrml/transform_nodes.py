"""Transforms: from ITK's files, which use LPS, to MRML nodes, which use RAS, and those above a node."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import slicer

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.views import Ras

_FIELD_SPACING_MM = 10.0
_LEAST_ARROW_MM = 0.5


def transform_from_file(
    scene: slicer.vtkMRMLScene, path: Path, name: str, node: slicer.vtkMRMLTransformNode | None = None
) -> slicer.vtkMRMLTransformNode:
    """Makes a transform node that moves the excretory phase onto the non-contrast phase if it is placed under it.

    ITK's file maps points of the non-contrast frame to the excretory frame, as ITK's resampling needs it. In MRML this
    is the transform from parent.

    Args:
        scene: The scene that takes a new node.
        path: An ITK transform, such as `excretory_to_noncontrast.h5`.
        name: The name of the node.
        node: A node to update instead of making a new one.

    Raises:
        UnreadableInputError: If the file is missing, damaged or no transform. The scene is unchanged then.
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


def movable_transform(
    scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLVolumeNode, name: str
) -> slicer.vtkMRMLLinearTransformNode:
    """Places a volume under a new linear transform.

    The volume does not move. A transform above it stays above the new one.

    Args:
        scene: The scene that takes the transform.
        node: The volume.
        name: The name of the transform.
    """
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", scene.GenerateUniqueName(name))
    transform.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def place_handles(node: slicer.vtkMRMLVolumeNode, at: Ras | None) -> None:
    """Puts the handles of the transform right above a volume to a point, about which the volume then turns.

    Args:
        node: The volume.
        at: RAS mm in the world. None for the middle of the volume.
    """
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    local = [0.0] * 3
    node.TransformPointFromWorld(at or middle, local)
    node.GetParentTransformNode().SetCenterOfTransformation(local)


class FieldView(Enum):
    """How slice views show the displacements of a transform."""

    HIDDEN = "hidden"
    GRID = "grid"
    VECTORS = "vectors"


def show_field(transform: slicer.vtkMRMLTransformNode, view: FieldView) -> None:
    """Shows the displacements of a transform in the slice views, by Slicer's own display of transforms.

    Args:
        transform: The transform.
        view: A grid that the transform warps, arrows in true length, or nothing.
    """
    if transform.GetDisplayNode() is None:
        if view is FieldView.HIDDEN:
            return
        transform.CreateDefaultDisplayNodes()
    display = transform.GetDisplayNode()
    modifying = display.StartModify()
    display.SetVisualizationMode(display.VIS_MODE_GRID if view is FieldView.GRID else display.VIS_MODE_GLYPH)
    display.SetGridSpacingMm(_FIELD_SPACING_MM)
    display.SetGlyphSpacingMm(_FIELD_SPACING_MM)
    display.SetGlyphDisplayRangeMinMm(_LEAST_ARROW_MM)
    display.SetVisibility(view is not FieldView.HIDDEN)
    display.SetVisibility2D(view is not FieldView.HIDDEN)
    display.EndModify(modifying)


def show_handles(transform: slicer.vtkMRMLTransformNode, on: bool) -> None:
    """Shows or hides the handles that move and turn a transform in the slice views and 3D views."""
    if transform.GetDisplayNode() is None:
        transform.CreateDefaultDisplayNodes()
    display = transform.GetDisplayNode()
    display.SetEditorVisibility(on)
    display.SetEditorSliceIntersectionVisibility(on)
