"""The display of volumes and kidneys in the slice views of the present layout."""

from __future__ import annotations

from itertools import product

import slicer
import vtk

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.window import LEVEL_HU, WIDTH_HU
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.kidney_segments import segment_ids
from NephroSynthLib.mrml.views import Ras, centre_on, composites, link_slices, show, slice_views

__all__ = [
    "centre_on",
    "has_outlines",
    "has_surfaces",
    "kidney_centre",
    "kidney_points",
    "link_slices",
    "overlay",
    "set_ct_window",
    "set_foreground_opacity",
    "set_window",
    "show_outlines",
    "show_surfaces",
    "show_volume",
]

_FILL_OPACITY = 0.15


def set_ct_window(node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Shows a volume in grey in the window 400/50, that is -150 to 250 HU."""
    set_window(node, WIDTH_HU, LEVEL_HU)


def set_window(node: slicer.vtkMRMLScalarVolumeNode, width: float, level: float) -> None:
    """Shows a volume in a fixed window, in its own units."""
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(width, level)


def show_volume(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Shows one volume alone in all slice views."""
    show(scene, slice_views(scene), node)


def overlay(
    scene: slicer.vtkMRMLScene,
    background: slicer.vtkMRMLScalarVolumeNode,
    foreground: slicer.vtkMRMLScalarVolumeNode,
    opacity: float,
) -> None:
    """Shows a foreground volume over a background volume in all slice views.

    Args:
        scene: The scene.
        background: The lower volume.
        foreground: The upper volume.
        opacity: The opacity of the upper volume, in [0, 1].
    """
    show(scene, slice_views(scene), background, foreground, opacity)


def set_foreground_opacity(scene: slicer.vtkMRMLScene, opacity: float) -> None:
    """Sets the opacity, in [0, 1], of the foreground volume in all slice views."""
    for node in composites(scene):
        node.SetForegroundOpacity(opacity)


def has_outlines(node: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether the slice views show the kidneys."""
    display = node.GetDisplayNode()
    return display is not None and bool(display.GetVisibility() and display.GetVisibility2D())


def show_outlines(node: slicer.vtkMRMLSegmentationNode, on: bool, fill: bool = True) -> None:
    """Shows or hides the outlines of the kidneys in the slice views.

    Args:
        node: The segmentation.
        on: Whether to show them.
        fill: Whether they have a faint fill.
    """
    if on:
        display = _visible(node)
        display.SetVisibility2DFill(fill)
        display.SetOpacity2DFill(_FILL_OPACITY)
        display.SetVisibility2D(True)
    elif has_outlines(node):
        node.GetDisplayNode().SetVisibility2D(False)


def has_surfaces(node: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether the 3D views show the kidneys."""
    display = node.GetDisplayNode()
    return display is not None and bool(display.GetVisibility() and display.GetVisibility3D() and _are_made(node))


def show_surfaces(node: slicer.vtkMRMLSegmentationNode, on: bool) -> None:
    """Makes the surfaces of the kidneys and shows them in the 3D views, or removes them.

    The surfaces of a CT of usual size take a quarter of a second.

    Raises:
        GeometryError: If the surfaces cannot be made.
    """
    if not on:
        node.RemoveClosedSurfaceRepresentation()
    elif node.CreateClosedSurfaceRepresentation():
        _visible(node).SetVisibility3D(True)
    else:
        node.RemoveClosedSurfaceRepresentation()
        raise GeometryError(_("No surface can be made of the kidneys."), Action.LOOK_AT_SEGMENTS)


def _visible(node: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLSegmentationDisplayNode:
    """The display node of a segmentation, made visible as a whole.

    If the segmentation was hidden, its outlines and surfaces stay hidden until the caller shows them. The visibility
    in 3D stays on where no surfaces exist, because Slicer's own button Show 3D makes surfaces but does not turn it on.
    """
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    if not display.GetVisibility():
        display.SetVisibility2D(False)
        display.SetVisibility3D(not _are_made(node))
        display.SetVisibility(True)
    return display


def _are_made(node: slicer.vtkMRMLSegmentationNode) -> bool:
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    return bool(node.GetSegmentation().ContainsRepresentation(surface))


def kidney_centre(node: slicer.vtkMRMLSegmentationNode, side: str) -> Ras | None:
    """The centre of a kidney's bounding box, RAS mm in the world. None if the segmentation lacks that kidney.

    Args:
        node: The segmentation.
        side: 'right' or 'left'.
    """
    points = kidney_points(node, side)
    return points[len(points) // 2] if points else None


def kidney_points(node: slicer.vtkMRMLSegmentationNode, side: str) -> list[Ras]:
    """45 points of a kidney's bounding box, RAS mm in the world: 3 x 3 in each of 5 slices.

    The middle one is the centre. The list is empty if the segmentation lacks that kidney.

    Args:
        node: The segmentation.
        side: 'right' or 'left'.
    """
    segment_id = segment_ids(node).get(side)
    data = slicer.vtkOrientedImageData()
    if segment_id is None or not node.GetBinaryLabelmapRepresentation(segment_id, data):
        return []
    slicer.vtkSlicerSegmentationsModuleLogic.ApplyParentTransformToOrientedImageData(node, data)
    extent = [0, -1] * 3
    if not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(data, extent):
        return []
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    counts = zip(extent[::2], extent[1::2], (2, 2, 4), strict=True)
    axes = [[low + (high - low) * step / steps for step in range(steps + 1)] for low, high, steps in counts]
    placed = (matrix.MultiplyPoint((*voxel, 1.0)) for voxel in product(*axes))
    return [(right, anterior, superior) for right, anterior, superior, _ in placed]
