from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from grid_indices import to_indices

from NephroSynthLib.simulation.reference_grid import Grid


def test_points_agree_with_simpleitk() -> None:
    grid = Grid((5, 6, 7), (0.8, 0.9, 2.5), (-100.0, -50.0, 30.0))
    image = sitk.Image(grid.shape[::-1], sitk.sitkUInt8)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    for index in ((0, 0, 0), (4, 5, 6), (1, 3, 2)):
        expected = image.TransformIndexToPhysicalPoint(index[::-1])
        np.testing.assert_allclose(grid.to_points(np.array(index)), expected, atol=1e-9)


def test_points_are_undone_by_the_indices_of_the_other_tests() -> None:
    grid = Grid((50, 60, 70), (0.8, 0.9, 2.5), (-100.0, -50.0, 30.0))
    indices = np.random.default_rng(0).uniform(-5, 60, (20, 3))
    np.testing.assert_allclose(to_indices(grid, grid.to_points(indices)), indices, atol=1e-9)


def test_axes_extent_and_centre_describe_the_same_voxels() -> None:
    grid = Grid((5, 6, 7), (0.8, 0.9, 2.5), (-100.0, -50.0, 30.0))
    z, y, x = grid.axes()
    np.testing.assert_allclose(grid.extent, (x[-1] - x[0], y[-1] - y[0], z[-1] - z[0]))
    np.testing.assert_allclose(grid.centre, (x.mean(), y.mean(), z.mean()))


@pytest.mark.parametrize(
    ("shape", "spacing"), [((0, 5, 5), (1, 1, 1)), ((5, 5, 5), (1, 0, 1)), ((5, 5, 5), (1, 1, float("nan")))]
)
def test_impossible_grids_are_refused(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"voxel|spacing"):
        Grid(shape, spacing, (0.0, 0.0, 0.0))
