"""The inverse of a transform undoes it, for linear maps, for fields, and for both together."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import ImageContentError
from NephroSynthLib.registration.fusion import after_field
from NephroSynthLib.registration.geometry import WorkingGrid
from NephroSynthLib.registration.inversion import carried, carried_back, inverse, largest_error, volume_ratio

GRID = WorkingGrid.between((-60.0, -60.0, -60.0), (60.0, 60.0, 60.0), 3.0)
AFFINE = np.array([[0.98, -0.1, 0.02, 5.0], [0.1, 1.03, 0.0, -8.0], [0.0, 0.05, 1.0, 12.0], [0.0, 0.0, 0.0, 1.0]])


def _bent() -> sitk.Transform:
    """An affine map after a bump of 12 mm, which compresses tissue to 0.3 of its volume."""
    points = GRID.points()
    bump = 12.0 * np.exp(-((points**2).sum(-1) / 25.0**2))
    return after_field(AFFINE, GRID, np.stack([0.3 * bump, -0.2 * bump, bump], axis=-1)).transform


POINTS = np.random.default_rng(1).uniform(-60, 60, (60, 3))


def test_forward_and_back_is_where_it_began() -> None:
    transform = _bent()
    assert largest_error(transform, inverse(transform), 500, 0) < 0.1
    assert np.abs(carried_back(transform, carried(transform, POINTS)) - POINTS).max() < 1e-3
    assert np.abs(carried(transform, POINTS) - POINTS).max() > 15


def test_the_inverse_of_the_inverse_is_the_transform() -> None:
    transform = _bent()
    again = inverse(inverse(transform))
    assert np.abs(carried(again, POINTS) - carried(transform, POINTS)).max() < 0.3


def test_the_ratio_of_volumes_is_that_of_the_map_also_at_borders_and_of_a_mirror_image() -> None:
    grid = sitk.Image(5, 6, 7, sitk.sitkUInt8)
    grid.SetSpacing((2.0, 3.0, 4.0))
    grid.SetDirection((0, 1, 0, 0, 0, 1, 1, 0, 0))
    scale = sitk.AffineTransform(3)
    scale.SetMatrix([-1.2, 0.1, 0, 0, 0.9, 0, 0.3, 0, 1.1])
    ratio = volume_ratio(scale, grid)
    assert ratio.shape == (7, 6, 5)
    assert np.allclose(ratio, 1.2 * 0.9 * 1.1, atol=1e-5)


def test_a_linear_map_is_inverted_exactly() -> None:
    transform = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.3, -0.2, 0.1, (10.0, 20.0, 30.0))
    assert largest_error(transform, inverse(transform), 50, 0) < 1e-9


def test_a_map_without_an_inverse_is_refused() -> None:
    flat = sitk.AffineTransform(3)
    flat.SetMatrix([1, 0, 0, 0, 1, 0, 0, 0, 0])
    with pytest.raises(ImageContentError, match="cannot be inverted"):
        inverse(flat)
