"""Colour tables and legends for differences and uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

import slicer

_COLOURS = 256
# ColorBrewer's RdBu, reversed (Harrower and Brewer, Cartogr. J. 40:27, 2003): blue, white at zero, red.
DIVERGING = (
    (5, 48, 97),
    (67, 147, 195),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (214, 96, 77),
    (103, 0, 31),
)
SEQUENTIAL = ((255, 255, 178), (254, 204, 92), (253, 141, 60), (240, 59, 32), (189, 0, 38))  # YlOrRd


def diverging(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    """The scene's colour table for differences. It is made at the first call."""
    return _table(scene, "NephroSynth difference", DIVERGING)


def sequential(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    """The scene's colour table for uncertainty. It is made at the first call."""
    return _table(scene, "NephroSynth uncertainty", SEQUENTIAL)


def paint(
    node: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLColorTableNode,
    limits: tuple[float, float],
    legend: str,
) -> None:
    """Shows a volume in colours, with a colour legend.

    Args:
        node: The volume.
        table: The colours.
        limits: The values of the first and the last colour.
        legend: The title of the legend.
    """
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(table.GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*limits)
    _add_legend(node, legend)


def know_legends(scene: slicer.vtkMRMLScene) -> None:
    """Lets a scene make legends, as Slicer's module Colors does where there is one."""
    if not scene.GetTagByClassName("vtkMRMLColorLegendDisplayNode"):
        scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())


def show_legend(node: slicer.vtkMRMLScalarVolumeNode, on: bool, view: slicer.vtkMRMLSliceNode | None = None) -> None:
    """Shows or hides the colour legend of a volume, if it has one.

    Args:
        node: The volume.
        on: Whether to show the legend.
        view: The only slice view that shows it. None for all views that show the volume.

    A view draws a legend only if the legend was added to the scene after the view
    (vtkMRMLColorLegendDisplayableManager, OnMRMLSceneNodeAdded). So a legend is added again to be shown.
    """
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    if legend is not None and on:
        legend.GetScene().RemoveNode(legend)
        _add_legend(node, legend.GetTitleText(), view)
    elif legend is not None:
        legend.SetVisibility(False)


def _add_legend(node: slicer.vtkMRMLScalarVolumeNode, title: str, view: slicer.vtkMRMLSliceNode | None = None) -> None:
    legend: slicer.vtkMRMLColorLegendDisplayNode = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(title)
    legend.SetLabelFormat("%.0f")
    legend.SetNumberOfLabels(5)
    legend.SetSize(0.12, 0.45)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetBackgroundColor(0.0, 0.0, 0.0)
        text.SetBackgroundOpacity(0.65)  # the middle of the diverging colours is white like the text
    if view is not None:
        legend.AddViewNodeID(view.GetID())
    legend.SetVisibility(True)


def _table(
    scene: slicer.vtkMRMLScene, name: str, anchors: Sequence[tuple[int, int, int]]
) -> slicer.vtkMRMLColorTableNode:
    tag = name.replace(" ", "")
    node = scene.GetSingletonNode(tag, "vtkMRMLColorTableNode")
    if node is not None and node.GetNumberOfColors() == _COLOURS:
        return node
    node = slicer.vtkMRMLColorTableNode()
    node.SetSingletonTag(tag)
    node.SetName(name)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLOURS)
    import numpy as np

    places = np.linspace(0, 1, len(anchors))
    steps = np.linspace(0, 1, _COLOURS)
    channels = [np.interp(steps, places, np.array(anchors)[:, channel] / 255) for channel in range(3)]
    for index, (red, green, blue) in enumerate(zip(*channels, strict=True)):
        node.SetColor(index, str(index), red, green, blue, 1.0)
    return scene.AddNode(node)
