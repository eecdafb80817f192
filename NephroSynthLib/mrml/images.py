"""Voxels and geometry between VTK, which uses IJK and RAS, and SimpleITK, which uses LPS."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

from NephroSynthLib.imaging.grids import index_to_world

RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

Matrix = NDArray[np.float64]


def matrix_from_vtk(matrix: vtk.vtkMatrix4x4) -> Matrix:
    """Converts a vtkMatrix4x4 to an array (4, 4)."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrix_to_vtk(values: Matrix) -> vtk.vtkMatrix4x4:
    """Converts an array (4, 4) to a vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(values, dtype=np.float64).ravel().tolist())
    return matrix


def shear(ijk_to_world: Matrix) -> float:
    """The largest cosine between two axes of a grid. 0 if all axes are orthogonal."""
    axes = ijk_to_world[:3, :3] / np.linalg.norm(ijk_to_world[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def ijk_to_ras(image: sitk.Image) -> Matrix:
    """The matrix (4, 4) from voxel indices (x, y, z) of an image to RAS mm."""
    return RAS_LPS @ index_to_world(image)


def image_from_vtk(data: vtk.vtkImageData, ijk_to_ras_matrix: Matrix) -> sitk.Image:
    """Copies scalar voxels into an image.

    Args:
        data: Voxels with one component. Its origin and spacing are ignored, as in MRML.
        ijk_to_ras_matrix: The matrix (4, 4) from the indices of `data` to RAS mm. The first index may differ from 0.
    """
    image = sitk.GetImageFromArray(voxels(data))
    _place(image, data, ijk_to_ras_matrix)
    return image


def grid_from_vtk(data: vtk.vtkImageData, ijk_to_ras_matrix: Matrix) -> sitk.Image:
    """Makes an empty image of 8 bits with the geometry that `image_from_vtk` would give."""
    grid = sitk.Image(data.GetDimensions(), sitk.sitkUInt8)
    _place(grid, data, ijk_to_ras_matrix)
    return grid


def image_to_vtk(image: sitk.Image, data: vtk.vtkImageData | None = None) -> vtk.vtkImageData:
    """Copies the voxels of an image into `data`, or into a new object. Indices begin at 0. Geometry is not copied."""
    array = sitk.GetArrayViewFromImage(image)
    data = data if data is not None else vtk.vtkImageData()
    data.SetExtent(*(bound for size in image.GetSize() for bound in (0, size - 1)))
    data.AllocateScalars(numpy_support.get_vtk_array_type(array.dtype), 1)
    voxels(data)[:] = array
    return data


def voxels(data: vtk.vtkImageData) -> NDArray[Any]:
    """The voxels of an image with one component, as a view (z, y, x)."""
    values: NDArray[Any] = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars())
    return values.reshape(data.GetDimensions()[::-1])


def first_voxel_to_ras(data: vtk.vtkImageData, ijk_to_ras_matrix: Matrix) -> Matrix:
    """The matrix (4, 4) to RAS mm from indices that begin at 0, as those of `voxels` do."""
    moved = ijk_to_ras_matrix.copy()
    moved[:, 3] = ijk_to_ras_matrix @ [*data.GetExtent()[::2], 1]
    return moved


def new_voxels(shape: tuple[int, ...], dtype: Any) -> vtk.vtkImageData:
    """Makes voxels (z, y, x) without values."""
    data = vtk.vtkImageData()
    data.SetDimensions(*shape[::-1])
    data.AllocateScalars(numpy_support.get_vtk_array_type(np.dtype(dtype)), 1)
    return data


def _place(image: sitk.Image, data: vtk.vtkImageData, ijk_to_ras_matrix: Matrix) -> None:
    lps = RAS_LPS @ ijk_to_ras_matrix
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    first = [*data.GetExtent()[::2], 1]
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((lps @ first)[:3].tolist())
