"""Voxels and geometry between VTK and SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import vtk

from NephroSynthLib.mrml.images import (
    grid_from_vtk,
    ijk_to_ras,
    image_from_vtk,
    image_to_vtk,
    matrix_from_vtk,
    matrix_to_vtk,
    shear,
    voxels,
)


def test_a_matrix_comes_back_as_it_went() -> None:
    values = np.arange(16, dtype=float).reshape(4, 4)
    np.testing.assert_array_equal(matrix_from_vtk(matrix_to_vtk(values)), values)


def test_an_image_comes_back_as_it_went(ct: sitk.Image) -> None:
    back = image_from_vtk(image_to_vtk(ct), ijk_to_ras(ct))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(ct))
    for name in ("Origin", "Spacing", "Direction"):
        np.testing.assert_allclose(getattr(back, f"Get{name}")(), getattr(ct, f"Get{name}")(), atol=1e-9)


@pytest.mark.parametrize("index", [(0, 0, 0), (39, 23, 19), (7, 11, 13)])
def test_the_matrix_takes_indices_where_simpleitk_does(ct: sitk.Image, index: tuple[int, int, int]) -> None:
    left, posterior, superior = ct.TransformIndexToPhysicalPoint(index)
    np.testing.assert_allclose((ijk_to_ras(ct) @ (*index, 1))[:3], (-left, -posterior, superior), atol=1e-9)


def test_indices_may_begin_anywhere(ct: sitk.Image) -> None:
    part = vtk.vtkImageData()
    image_to_vtk(ct, part)
    part.Crop((5, 39, 4, 23, 3, 19))
    image = image_from_vtk(part, ijk_to_ras(ct))
    assert image.GetSize() == (35, 20, 17)
    np.testing.assert_allclose(image.GetOrigin(), ct.TransformIndexToPhysicalPoint((5, 4, 3)), atol=1e-9)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(ct)[3:, 4:, 5:])
    grid = grid_from_vtk(part, ijk_to_ras(ct))
    assert (grid.GetSize(), grid.GetOrigin()) == (image.GetSize(), image.GetOrigin())


def test_voxels_are_a_view(ct: sitk.Image) -> None:
    data = image_to_vtk(ct)
    voxels(data)[2, 3, 4] = 77
    assert data.GetScalarComponentAsDouble(4, 3, 2, 0) == 77


def test_shear_is_the_largest_cosine_between_axes() -> None:
    matrix = np.diag([2.0, 3.0, 4.0, 1.0])
    assert shear(matrix) == 0
    matrix[1, 2] = 4 * np.tan(np.radians(30))
    assert shear(matrix) == pytest.approx(np.sin(np.radians(30)))
