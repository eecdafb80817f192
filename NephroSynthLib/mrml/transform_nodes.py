"""Transforms: from ITK's files, which use LPS, to MRML nodes, which use RAS, and those above a node."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

import slicer
import vtk

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.mrml.i18n import tr as _

_FIELD_SPACING_MM = 10.0
_LEAST_ARROW_MM = 0.5
_MAP_MM = 5.0


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


def is_bent(node: slicer.vtkMRMLTransformableNode) -> bool:
    """Whether the transforms above a node are not linear."""
    parent = node.GetParentTransformNode()
    return parent is not None and not parent.IsTransformToWorldLinear()


def map_writer(moving: slicer.vtkMRMLVolumeNode, fixed: slicer.vtkMRMLVolumeNode, path: Path) -> Callable[[], None]:
    """Returns a function that writes the transforms above a volume as an ITK transform, and touches no scene.

    The file carries points of the world to the volume's own coordinates, LPS mm, as a displacement field of 5 mm around
    another volume.

    Args:
        moving: The volume under the transforms.
        fixed: The volume around whose bounds the field lies.
        path: The file.
    """
    whole, own = vtk.vtkGeneralTransform(), vtk.vtkGeneralTransform()
    moving.GetParentTransformNode().GetTransformFromWorld(whole)
    own.DeepCopy(whole)
    bounds = [0.0] * 6
    fixed.GetRASBounds(bounds)
    lower = [low - _MAP_MM for low in bounds[::2]]
    size = [int((high - low) / _MAP_MM) + 4 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]

    def write() -> None:
        import SimpleITK as sitk
        from vtk.util import numpy_support

        sampled = vtk.vtkTransformToGrid()
        sampled.SetInput(own)
        sampled.SetGridOrigin(lower)
        sampled.SetGridSpacing([_MAP_MM] * 3)
        sampled.SetGridExtent([bound for count in size for bound in (0, count - 1)])
        sampled.SetGridScalarTypeToDouble()
        sampled.Update()
        field = numpy_support.vtk_to_numpy(sampled.GetOutput().GetPointData().GetScalars()).reshape(*size[::-1], 3)
        image = sitk.GetImageFromArray(field[:, ::-1, ::-1] * [-1.0, -1.0, 1.0], isVector=True)
        image.SetSpacing([_MAP_MM] * 3)
        last = [low + _MAP_MM * (count - 1) for low, count in zip(lower, size, strict=True)]
        image.SetOrigin((-last[0], -last[1], lower[2]))
        sitk.WriteTransform(sitk.DisplacementFieldTransform(image), str(path))

    return write


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


def place_handles(node: slicer.vtkMRMLVolumeNode) -> None:
    """Puts the handles of the transform right above a volume to its middle, about which the volume then turns."""
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    local = [0.0] * 3
    node.TransformPointFromWorld(middle, local)
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
