"""Segmentation nodes with kidneys, as a user would have made them."""

from __future__ import annotations

import SimpleITK as sitk
import slicer

from NephroSynthLib.mrml.segmentation_nodes import attach_segments, prepare_segments


def segmentation_from_labels(
    scene: slicer.vtkMRMLScene,
    labels: sitk.Image,
    name: str,
    reference_volume: slicer.vtkMRMLScalarVolumeNode | None,
) -> slicer.vtkMRMLSegmentationNode:
    """Makes a segmentation node with the segments 'Right kidney' and 'Left kidney', as far as the labels have them.

    Args:
        scene: The scene that takes the node.
        labels: A 3D label map, 1 right and 2 left.
        name: The name of the node.
        reference_volume: The volume whose geometry the segmentation takes for further editing.
    """
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(name))
    attach_segments(prepare_segments(labels), node, reference_volume)
    return node
