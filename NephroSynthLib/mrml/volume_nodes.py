"""Volume nodes and SimpleITK images: conversion both ways, with exact geometry and HU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from NephroSynthLib.errors import Action, GeometryError, ImageContentError, UnreadableInputError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import (
    Matrix,
    ijk_to_ras,
    image_from_vtk,
    image_to_vtk,
    matrix_from_vtk,
    matrix_to_vtk,
    shear,
)

_SHEARED, _SHEARING = 5e-3, 1e-5


def image_from_node(node: slicer.vtkMRMLVolumeNode) -> sitk.Image:
    """The image of a volume node in world coordinates, LPS mm. The node is unchanged.

    A parent transform is hardened on the copy. A transform that keeps the axes of the voxels orthogonal changes only
    the geometry. Any other transform resamples the voxels, like hardening in Slicer.

    Args:
        node: A scalar or label map volume of any pixel type.

    Raises:
        ImageContentError: If the node has no voxels, or several values in each voxel.
        GeometryError: If its slices are not stacked along their normal.
    """
    return image_source(node)()


def image_source(node: slicer.vtkMRMLVolumeNode, placed: bool = True) -> Callable[[], sitk.Image]:
    """Returns a function that copies the image of a volume node.

    The function touches no scene, so it may run in another thread.

    Args:
        node: A scalar or label map volume of any pixel type.
        placed: Whether the transforms above the volume are applied.

    Raises:
        ImageContentError: At once, as `image_from_node`.
        GeometryError: At once, as `image_from_node`.
    """
    return partial(image_from_vtk, *in_world(node, placed))


def in_world(node: slicer.vtkMRMLVolumeNode, placed: bool = True) -> tuple[vtk.vtkImageData, Matrix]:
    """The voxels of a volume node, and the matrix (4, 4) from their indices to RAS mm.

    The voxels are unchanged if the node changes or is removed later.

    Args:
        node: A scalar or label map volume of any pixel type.
        placed: Whether the transforms above the volume are applied.

    Raises:
        ImageContentError: At once, as `image_from_node`.
        GeometryError: At once, as `image_from_node`.
    """
    data = node.GetImageData()
    if data is None or data.GetNumberOfPoints() == 0:
        raise ImageContentError(
            _("The volume '{name}' is empty.").format(name=node.GetName()), Action.CHOOSE_ANOTHER_VOLUME
        )
    if data.GetNumberOfScalarComponents() != 1:
        raise ImageContentError(
            _("The volume '{name}' has several values in each voxel (colour or vectors).").format(name=node.GetName()),
            Action.GIVE_CT,
        )
    local = _ijk_to_ras(node)
    if shear(local) > _SHEARED:
        raise GeometryError(
            _("The volume '{name}' is sheared: its slices were made with a tilted gantry.").format(name=node.GetName()),
            Action.CORRECT_TILT,
        )
    parent = node.GetParentTransformNode() if placed else None
    if parent is None:
        return _kept(data), local
    if parent.IsTransformToWorldLinear():
        to_world = vtk.vtkMatrix4x4()
        parent.GetMatrixTransformToWorld(to_world)
        world = matrix_from_vtk(to_world) @ local
        if shear(world) <= shear(local) + _SHEARING:
            return _kept(data), world
    return _resampled_in_world(node, parent)


def node_from_image(
    scene: slicer.vtkMRMLScene,
    image: sitk.Image,
    name: str,
    node: slicer.vtkMRMLVolumeNode | None = None,
    *,
    label: bool = False,
) -> slicer.vtkMRMLScalarVolumeNode:
    """Makes a volume node with the voxels and geometry of an image.

    Args:
        scene: The scene that takes a new node.
        image: A 3D image with one value in each voxel. Whole HU are stored as 16-bit integers.
        name: The name of the node.
        node: A node to update instead of making a new one. Its parent transform is removed.
        label: Whether a new node is a label map volume.

    Returns:
        The node, with a display node.

    Raises:
        ImageContentError: If the image is not three-dimensional with one value in each voxel.
    """
    content = prepare(image)
    if node is None:
        node = scene.AddNewNodeByClass(
            "vtkMRMLLabelMapVolumeNode" if label else "vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name)
        )
    else:
        node.SetName(name)
    attach(content, node)
    return node


@dataclass(frozen=True)
class Content:
    """The content of a volume node: voxels, and the matrix (4, 4) from their indices to RAS mm."""

    data: vtk.vtkImageData
    ijk_to_ras: Matrix


def prepare(image: sitk.Image) -> Content:
    """Converts an image to the content of a volume node.

    This function touches no scene, so it may run in another thread.

    Raises:
        ImageContentError: If the image is not three-dimensional with one value in each voxel.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise ImageContentError(_("The image is not three-dimensional with one value in each voxel."))
    return Content(image_to_vtk(_as_integers(image)), ijk_to_ras(image))


def attach(content: Content, node: slicer.vtkMRMLVolumeNode) -> None:
    """Puts content into a node, and removes its parent transform."""
    modifying = node.StartModify()
    node.SetAndObserveTransformNodeID(None)
    node.SetAndObserveImageData(content.data)
    node.SetIJKToRASMatrix(matrix_to_vtk(content.ijk_to_ras))
    node.EndModify(modifying)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()


def node_writer(node: slicer.vtkMRMLVolumeNode, path: Path, placed: bool = True) -> Callable[[], None]:
    """Returns a function that writes the image of a volume node to a file, which appears whole or not at all.

    The function touches no scene, so it may run in another thread.

    Args:
        node: A volume. Its parent transform is hardened on the copy.
        path: The file. .nrrd and .nii are written uncompressed, .nii.gz compressed.
        placed: Whether the transforms above the volume are applied.

    Raises:
        ImageContentError: At once, as `image_from_node`.
        GeometryError: At once, as `image_from_node`.
        ResourceError: While writing, if the disk is full or the file cannot be written.
    """
    source = image_source(node, placed)
    return lambda: write_image(source(), path)


def write_image(image: sitk.Image, path: Path) -> None:
    """Writes an image to a file, which appears whole or not at all.

    .nrrd and .nii are written uncompressed, .nii.gz compressed.

    Raises:
        ResourceError: If the disk is full or the file cannot be written.
    """
    from NephroSynthLib.imaging.image_files import save_image

    save_image(image, path, compress=path.suffix == ".gz")


def read_into(
    scene: slicer.vtkMRMLScene,
    path: Path,
    name: str,
    node: slicer.vtkMRMLVolumeNode | None = None,
    *,
    label: bool = False,
) -> slicer.vtkMRMLScalarVolumeNode:
    """Makes a volume node with the image of a file. The other arguments are those of `node_from_image`.

    Raises:
        UnreadableInputError: If the file cannot be read. The scene is unchanged then.
        ImageContentError: As `node_from_image`.
    """
    return node_from_image(scene, read_image(path), name, node, label=label)


def read_image(path: Path) -> sitk.Image:
    """Reads an image file that NephroSynth wrote.

    Raises:
        UnreadableInputError: If the file is missing or damaged.
    """
    from NephroSynthLib.imaging.image_files import check_stream
    from NephroSynthLib.imaging.streams import BROKEN_STREAM

    try:
        check_stream(path)
        return sitk.ReadImage(str(path))
    except (RuntimeError, OSError, *BROKEN_STREAM) as error:
        raise UnreadableInputError(
            _("The file '{name}' cannot be read: it is missing, damaged or of another format.").format(name=path.name)
        ) from error


def _ijk_to_ras(node: slicer.vtkMRMLVolumeNode) -> Matrix:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix_from_vtk(matrix)


def _kept(data: vtk.vtkImageData) -> vtk.vtkImageData:
    kept = vtk.vtkImageData()
    kept.ShallowCopy(data)
    return kept


def _resampled_in_world(
    node: slicer.vtkMRMLVolumeNode, parent: slicer.vtkMRMLTransformNode
) -> tuple[vtk.vtkImageData, Matrix]:
    to_world = vtk.vtkGeneralTransform()
    parent.GetTransformToWorld(to_world)
    data, matrix = vtk.vtkImageData(), vtk.vtkMatrix4x4()
    if not slicer.vtkMRMLVolumeNode.GetTransformedImageData(node, to_world, data, matrix):
        raise GeometryError(
            _("The transform of the volume '{name}' cannot be applied.").format(name=node.GetName()),
            Action.HARDEN_TRANSFORM,
        )
    return data, matrix_from_vtk(matrix)


def _as_integers(image: sitk.Image) -> sitk.Image:
    """Converts an image to int16 if that loses nothing. The middle slice is checked first, to save time."""
    if image.GetPixelID() not in (sitk.sitkFloat32, sitk.sitkFloat64):
        return image
    values = sitk.GetArrayViewFromImage(image)
    limits = np.iinfo(np.int16)
    for part in (values[len(values) // 2], values):
        if not (np.rint(part) == part).all() or part.min() < limits.min or part.max() > limits.max:
            return image
    return sitk.Cast(image, sitk.sitkInt16)
