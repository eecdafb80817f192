"""The slice views of the present layout, with their volumes, position and zoom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import slicer
import vtk

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.mrml.i18n import tr as _

Ras = tuple[float, float, float]


@dataclass(frozen=True)
class Sight:
    """The position and zoom of a slice view.

    Attributes:
        middle: The centre of the view, RAS mm.
        side_mm: The length that the shorter side of the view shows, so that it suits a view of any shape.
    """

    middle: Ras
    side_mm: float


def layout_node(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLLayoutNode:
    """The layout node of the scene.

    Raises:
        UsageError: If the scene has no layout node, because no window shows it.
    """
    node = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if node is None:
        raise UsageError(_("The scene has no layout."), Action.OPEN_VIEWS)
    return node


def slice_views(scene: slicer.vtkMRMLScene) -> list[str]:
    """The names of the slice views of the present layout, in order. Empty if no window shows the scene."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    root = layout.GetLayoutRootElement() if layout is not None else None
    return [] if root is None else list(dict.fromkeys(_slice_tags(root)))


def slice_nodes(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLSliceNode]:
    """The nodes of the slice views of the present layout."""
    nodes = (scene.GetSingletonNode(view, "vtkMRMLSliceNode") for view in slice_views(scene))
    return [node for node in nodes if node is not None]


def composite(scene: slicer.vtkMRMLScene, view: str) -> slicer.vtkMRMLSliceCompositeNode:
    """The composite node of a slice view, which names its volumes. It is made if the view's logic has not made it."""
    node = scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode")
    if node is None:
        node = slicer.vtkMRMLSliceCompositeNode()
        node.SetSingletonTag(view)
        node.SetLayoutName(view)
        node = scene.AddNode(node)
    return node


def composites(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLSliceCompositeNode]:
    """The composite nodes of the slice views of the present layout."""
    return [composite(scene, view) for view in slice_views(scene)]


def show(
    scene: slicer.vtkMRMLScene,
    views: Sequence[str],
    background: slicer.vtkMRMLVolumeNode | None,
    foreground: slicer.vtkMRMLVolumeNode | None = None,
    opacity: float = 0.0,
) -> None:
    """Shows a volume, and another volume over it if given, in slice views."""
    for view in views:
        node = composite(scene, view)
        modifying = node.StartModify()
        node.SetBackgroundVolumeID(background.GetID() if background else None)
        node.SetForegroundVolumeID(foreground.GetID() if foreground else None)
        node.SetForegroundOpacity(opacity)
        node.EndModify(modifying)


def fit(node: slicer.vtkMRMLSliceNode, volume: slicer.vtkMRMLVolumeNode) -> None:
    """Fits a slice view to a volume and shows the middle slice."""
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    modifying = node.StartModify()
    node.JumpSliceByCentering(*middle)
    ras_to_slice = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(node.GetSliceToRAS(), ras_to_slice)
    volume.GetSliceBounds(bounds, ras_to_slice)
    width, height = bounds[1] - bounds[0], bounds[3] - bounds[2]
    columns, rows, _ = node.GetDimensions()
    scale = max(width / max(columns, 1), height / max(rows, 1))
    if scale > 0:
        node.SetFieldOfView(scale * columns, scale * rows, node.GetFieldOfView()[2])
    node.EndModify(modifying)


def sight(node: slicer.vtkMRMLSliceNode) -> Sight:
    """The position and zoom of a slice view."""
    x, y, _ = node.GetXYZOrigin()  # the pan of the slice
    right, anterior, superior, _ = node.GetSliceToRAS().MultiplyPoint((x, y, 0.0, 1.0))
    return Sight((right, anterior, superior), min(node.GetFieldOfView()[:2]))


def look(node: slicer.vtkMRMLSliceNode, at: Sight) -> None:
    """Gives a slice view of the present size a position and zoom."""
    columns, rows = (max(count, 1) for count in node.GetDimensions()[:2])
    step_mm = at.side_mm / min(columns, rows)
    modifying = node.StartModify()
    node.JumpSliceByCentering(*at.middle)
    node.SetFieldOfView(step_mm * columns, step_mm * rows, node.GetFieldOfView()[2])
    node.EndModify(modifying)


def fit_views(scene: slicer.vtkMRMLScene, volume: slicer.vtkMRMLVolumeNode) -> None:
    """Fits all slice views of the present layout, at their present sizes, to a volume."""
    for node in slice_nodes(scene):
        fit(node, volume)


def centre_on(scene: slicer.vtkMRMLScene, ras: Ras) -> None:
    """Centres all slice views of the present layout on a point, RAS mm."""
    for node in slice_nodes(scene):
        node.JumpSliceByCentering(*ras)


def link_slices(scene: slicer.vtkMRMLScene, on: bool) -> None:
    """Links or unlinks the slice views: linked views move and zoom together, and show the same opacity and window."""
    for node in composites(scene):
        node.SetHotLinkedControl(on)
        node.SetLinkedControl(on)


def _slice_tags(element: vtk.vtkXMLDataElement) -> Iterator[str]:
    if element.GetName() == "view" and element.GetAttribute("class") == "vtkMRMLSliceNode":
        yield element.GetAttribute("singletontag")
    for index in range(element.GetNumberOfNestedElements()):
        yield from _slice_tags(element.GetNestedElement(index))
