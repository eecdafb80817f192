from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.imaging.grids import canonical, same_grid
from NephroSynthLib.segmentation.preprocessing import SPACING, condition_channels, occupancy, working_image


@pytest.fixture
def image() -> sitk.Image:
    """A ramp along each axis, HU."""
    z, y, x = np.meshgrid(np.arange(12), np.arange(40), np.arange(50), indexing="ij")
    result = sitk.GetImageFromArray((2 * x + 3 * y + 10 * z).astype(np.float32))
    result.SetSpacing((1.5, 1.5, 5.0))
    result.SetOrigin((-30.0, 20.0, -400.0))
    return result


@pytest.mark.parametrize("orientation", ["LPS", "RAI", "SPL"])
def test_the_working_image_is_the_same_for_any_stored_orientation(image: sitk.Image, orientation: str) -> None:
    stored = sitk.DICOMOrient(image, orientation)

    work, reference = working_image(stored), working_image(image)

    assert work.GetSpacing() == SPACING
    assert same_grid(work, canonical(work))
    assert same_grid(work, reference)
    np.testing.assert_allclose(sitk.GetArrayFromImage(work), sitk.GetArrayFromImage(reference), atol=1e-3)


def test_occupancy_keeps_the_volume_of_a_mask(image: sitk.Image) -> None:
    mask = sitk.Cast(image < -1, sitk.sitkUInt8)
    mask[12:31, 11:30, 3:8] = 1

    filled = occupancy(mask)

    values = sitk.GetArrayFromImage(filled)
    assert values.min() >= -2e-3
    assert values.max() <= 1 + 2e-3
    assert values.sum() * 27 == pytest.approx(19 * 19 * 5 * 1.5 * 1.5 * 5, rel=0.02)


def test_the_channels_are_the_soft_tissue_window_and_a_wide_range() -> None:
    hu = np.array([[[-1500.0, -1000.0, -150.0, 50.0, 250.0, 1000.0, 3000.0]]])

    narrow, wide = condition_channels(hu)[:, 0, 0]

    np.testing.assert_allclose(narrow, [-1, -1, -1, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(wide, [-1, -1, -0.15, 0.05, 0.25, 1, 1], atol=1e-6)
