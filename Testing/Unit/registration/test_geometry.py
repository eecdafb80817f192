"""Working grids see the same anatomy however an image is stored."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from NephroSynthLib.registration.geometry import (
    WorkingGrid,
    affine_transform,
    apply,
    extent,
    index_to_world,
    matrix_of,
)


def _ramp(direction: np.ndarray) -> sitk.Image:
    """HU = 2 L + 3 P - S at every voxel."""
    image = sitk.Image([50, 40, 30], sitk.sitkFloat32)
    image.SetSpacing((1.0, 1.5, 3.0))
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((-(direction @ np.array([25.0, 30.0, 45.0]))).tolist())
    index = np.stack(np.meshgrid(np.arange(50), np.arange(40), np.arange(30), indexing="ij"), -1)
    values = apply(index_to_world(image), index) @ np.array([2.0, 3.0, -1.0])
    filled = sitk.GetImageFromArray(values.transpose(2, 1, 0).astype(np.float32))
    filled.CopyInformation(image)
    return filled


@pytest.mark.parametrize(
    "direction",
    [np.eye(3), np.diag([-1.0, -1.0, 1.0]), Rotation.from_euler("xyz", [8, -12, 15], degrees=True).as_matrix()],
)
@pytest.mark.parametrize("spacing", [0.8, 2.0, 4.0])
def test_a_linear_image_is_sampled_exactly(direction: np.ndarray, spacing: float) -> None:
    grid = WorkingGrid.between((-8.0, -8.0, -8.0), (8.0, 8.0, 8.0), spacing)
    expected = grid.points() @ np.array([2.0, 3.0, -1.0])
    assert np.allclose(grid.sample(_ramp(direction)), expected, atol=0.05)


def test_beyond_the_image_there_is_the_outside_value() -> None:
    image = _ramp(np.eye(3))
    _, upper = extent(image)
    grid = WorkingGrid.between(upper - 10, upper + 20, 2.0)
    values, inside = grid.sample(image, outside=-7.0), grid.inside(image)
    assert inside.any()
    assert not inside.all()
    assert np.all(values[~inside] == -7.0)
    far = WorkingGrid.between((900.0, 0.0, 0.0), (910.0, 10.0, 10.0), 2.0)
    assert np.all(far.sample(image, outside=-7.0) == -7.0)


def test_indices_invert_points() -> None:
    grid = WorkingGrid.between((-3.0, 5.0, 11.0), (6.0, 9.0, 17.0), 1.5)
    assert np.allclose(grid.indices(grid.points()), np.indices(grid.size[::-1]))


def test_matrices_and_itk_transforms_agree() -> None:
    matrix = np.eye(4)
    matrix[:3] += np.random.default_rng(0).normal(0, 0.3, (3, 4))
    transform = affine_transform(matrix)
    assert np.allclose(matrix_of(transform), matrix)
    assert np.allclose(transform.TransformPoint((1.0, 2.0, 3.0)), apply(matrix, np.array([1.0, 2.0, 3.0])))
