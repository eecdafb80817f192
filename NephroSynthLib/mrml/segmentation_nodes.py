"""Kidneys as a segmentation node with names, terminology and colours, and as a label map with 1 right and 2 left."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError, NoKidneyError
from NephroSynthLib.imaging.grids import Box, box_around, resample
from NephroSynthLib.imaging.sides import EITHER, LEFT, RIGHT, SIDE_CODES
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import (
    grid_from_vtk,
    ijk_to_ras,
    image_from_vtk,
    image_to_vtk,
    matrix_from_vtk,
    matrix_to_vtk,
    voxels,
)
from NephroSynthLib.mrml.kidney_segments import kidney_sides
from NephroSynthLib.mrml.volume_nodes import image_source, in_world, write_image

_NAMES = {RIGHT: _("Right kidney"), LEFT: _("Left kidney")}
_COLOURS = {RIGHT: (0.90, 0.62, 0.0), LEFT: (0.34, 0.71, 0.91)}
# SNOMED CT codes of DICOM PS3.16, CID 7154 (Kidney) and CID 244 (Laterality), in the context of Slicer's own list.
_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_CATEGORY, _TYPE = ("SCT", "123037004", "Anatomical Structure"), ("SCT", "64033007", "Kidney")
_REGIONS = "Anatomic codes - DICOM master list"

Segments: TypeAlias = "dict[int, slicer.vtkOrientedImageData]"
"""The voxels of each kidney in world coordinates, by label."""


def prepare_segments(labels: sitk.Image) -> Segments:
    """Cuts the voxels of each kidney out of a label map.

    This function touches no scene, so it may run in another thread.

    Args:
        labels: A 3D label map, 1 right and 2 left.
    """
    labels = sitk.Cast(labels, sitk.sitkUInt8)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labels)
    segments = {}
    for side in _NAMES:
        if shapes.HasLabel(side):
            box = shapes.GetBoundingBox(side)
            segments[side] = _oriented(sitk.RegionOfInterest(labels, box[3:], box[:3]) == side)
    return segments


def attach_segments(
    segments: Segments,
    node: slicer.vtkMRMLSegmentationNode,
    reference_volume: slicer.vtkMRMLScalarVolumeNode | None,
) -> None:
    """Replaces the segments of a segmentation node, and removes its parent transform.

    The segmentation is emptied and kept, because the subject hierarchy follows its events.
    """
    node.SetAndObserveTransformNodeID(None)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    node.GetSegmentation().RemoveAllSegments()
    node.SetSourceRepresentationToBinaryLabelmap()
    if reference_volume is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(reference_volume)
    for side, data in segments.items():
        segment_id = node.AddSegmentFromBinaryLabelmapRepresentation(data, _NAMES[side], _COLOURS[side])
        codes = ("^".join(code) for code in (_CATEGORY, _TYPE, SIDE_CODES[side]))
        entry = "~".join((_CONTEXT, *codes, _REGIONS, "^^", "^^"))
        node.GetSegmentation().GetSegment(segment_id).SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)


def labels_from_segmentation(
    node: slicer.vtkMRMLSegmentationNode, reference_volume_node: slicer.vtkMRMLScalarVolumeNode
) -> sitk.Image:
    """Draws the kidneys of a segmentation on the grid of a volume, in world coordinates.

    Kidneys are recognized by terminology or name, in any case and several languages (such as TotalSegmentator's
    'kidney_right'). If neither tells the side, the position in the body does.

    Returns:
        uint8 on the grid of `image_from_node(reference_volume_node)`: 0, 1 right, 2 left.

    Raises:
        NoKidneyError: If no segment is a kidney.
        GeometryError: If the kidneys lie outside the volume, or as `image_from_node`.
        ImageContentError: As `image_from_node`.
    """
    return _labels_source(node, reference_volume_node)()


def kidney_labels(
    node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
    reference_volume_node: slicer.vtkMRMLScalarVolumeNode,
) -> sitk.Image:
    """The kidneys of a segmentation node as `labels_from_segmentation`, or the unchanged label map of a volume node."""
    return kidneys_source(node, reference_volume_node)()


def kidneys_source(
    node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
    reference_volume_node: slicer.vtkMRMLScalarVolumeNode,
) -> Callable[[], sitk.Image]:
    """Returns a function that gives the image of `kidney_labels`, and touches no scene."""
    if node.IsA("vtkMRMLSegmentationNode"):
        return _labels_source(node, reference_volume_node)
    return image_source(node)


def kidneys_writer(
    node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
    reference_volume_node: slicer.vtkMRMLScalarVolumeNode,
    path: Path,
) -> Callable[[], None]:
    """Returns a function that writes kidneys as the label map for the input `kidneys` of a run.

    The function touches no scene, so it may run in another thread.

    Raises:
        NoKidneyError: At once, if no segment is a kidney.
        ImageContentError: At once, as `image_from_node`.
        GeometryError: While writing, if the kidneys lie outside the volume.
        ResourceError: While writing, if the disk is full or the file cannot be written.
    """
    source = kidneys_source(node, reference_volume_node)
    return lambda: write_image(source(), path)


def segment_in_world(node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> slicer.vtkOrientedImageData:
    """Copies the voxels of one segment into world coordinates: 1 inside and 0 elsewhere.

    Raises:
        GeometryError: If the segment cannot be converted to a binary labelmap.
    """
    data = slicer.vtkOrientedImageData()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.GetSegmentBinaryLabelmapRepresentation(node, segment_id, data):
        raise _unusable(node, segment_id)
    if data.GetNumberOfPoints() > 0:
        labelmap = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
        shared = node.GetSegmentation().ContainsRepresentation(labelmap)  # then other segments may share the layer
        value = node.GetSegmentation().GetSegment(segment_id).GetLabelValue()
        values = voxels(data)
        values[:] = values == value if shared else values > 0
    return data


def _labels_source(
    node: slicer.vtkMRMLSegmentationNode, reference_volume_node: slicer.vtkMRMLScalarVolumeNode
) -> Callable[[], sitk.Image]:
    """Returns a function that draws the kidneys of a segmentation on the grid of a volume, and touches no scene."""
    sides = kidney_sides(node)
    if not sides:
        raise NoKidneyError(
            _("No segment of '{name}' is a kidney.").format(name=node.GetName()),
            Action.GIVE_KIDNEYS,
        )
    reference = in_world(reference_volume_node)
    segments = [(segment_in_world(node, segment_id), side) for segment_id, side in sides.items()]
    beyond = GeometryError(
        _("The kidneys of '{name}' do not lie in the volume '{volume}'.").format(
            name=node.GetName(), volume=reference_volume_node.GetName()
        ),
        Action.GIVE_MATCHING_KIDNEYS,
    )

    def draw() -> sitk.Image:
        grid = grid_from_vtk(*reference)
        labels = np.zeros(grid.GetSize()[::-1], np.uint8)
        for data, side in segments:
            _draw(data, side, labels, grid)
        if not labels.any():
            raise beyond
        if (labels == EITHER).any():
            from NephroSynthLib.exam.kidney_labels import split_by_position

            split_by_position(labels, image_from_vtk(*reference))
        image = sitk.GetImageFromArray(labels)
        image.CopyInformation(grid)
        return image

    return draw


def _oriented(image: sitk.Image) -> slicer.vtkOrientedImageData:
    data = slicer.vtkOrientedImageData()
    image_to_vtk(sitk.Cast(image, sitk.sitkUInt8), data)
    data.SetGeometryFromImageToWorldMatrix(matrix_to_vtk(ijk_to_ras(image)))
    return data


def _draw(data: slicer.vtkOrientedImageData, side: int, labels: NDArray[np.uint8], grid: sitk.Image) -> None:
    """Draws a segment into the labels (z, y, x) of a grid."""
    if data.GetNumberOfPoints() == 0 or not voxels(data).any():
        return
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    whole = image_from_vtk(data, matrix_from_vtk(matrix))
    segment = box_around(voxels(data) > 0, whole.GetSpacing(), 0.0).crop(whole)
    box = _covering(segment, grid)
    if box is not None:
        part = resample(segment, box.crop(grid), label=True)
        labels[box.slices][sitk.GetArrayViewFromImage(part) > 0] = side


def _covering(image: sitk.Image, grid: sitk.Image) -> Box | None:
    """The box of a grid's voxels that covers an image. None if the image lies outside the grid."""
    corners = product(*((-0.5, size - 0.5) for size in image.GetSize()))
    at = [
        grid.TransformPhysicalPointToContinuousIndex(image.TransformContinuousIndexToPhysicalPoint(corner))
        for corner in corners
    ]
    first = np.maximum(np.floor(np.min(at, axis=0)), 0).astype(int)
    last = np.minimum(np.ceil(np.max(at, axis=0)), np.array(grid.GetSize()) - 1).astype(int)
    if (first > last).any():
        return None
    (x, y, z), (width, height, depth) = first.tolist(), (last - first + 1).tolist()
    return Box((x, y, z), (width, height, depth))


def _unusable(node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> GeometryError:
    name = node.GetSegmentation().GetSegment(segment_id).GetName()
    return GeometryError(
        _("The segment '{name}' cannot be brought onto the volume.").format(name=name),
        Action.CONVERT_SEGMENT,
    )
