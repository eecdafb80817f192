"""Volumes in the 3D views."""

from __future__ import annotations

import slicer

PRESET = "CT-Chest-Contrast-Enhanced"
"""The preset of Slicer that shows contrast-enhanced organs and bone, and hides fat."""


def is_rendered(logic: slicer.vtkSlicerVolumeRenderingLogic, node: slicer.vtkMRMLScalarVolumeNode) -> bool:
    """Whether the 3D views show a volume.

    Args:
        logic: The logic of the module Volume Rendering.
        node: The volume.
    """
    display = logic.GetFirstVolumeRenderingDisplayNode(node)
    return display is not None and bool(display.GetVisibility())


def render(logic: slicer.vtkSlicerVolumeRenderingLogic, node: slicer.vtkMRMLScalarVolumeNode, on: bool) -> None:
    """Shows a volume in the 3D views with a preset for CT, or hides it. Changes of the user to the preset stay.

    Args:
        logic: The logic of the module Volume Rendering.
        node: The volume, HU.
        on: Whether to show it.
    """
    display = logic.GetFirstVolumeRenderingDisplayNode(node)
    if display is None and on:
        display = logic.CreateDefaultVolumeRenderingNodes(node)
        display.GetVolumePropertyNode().Copy(logic.GetPresetByName(PRESET))
    if display is not None:
        display.SetVisibility(on)
