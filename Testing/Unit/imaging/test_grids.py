from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.imaging.grids import (
    Box,
    along_stored_axes,
    box_around,
    canonical,
    index_to_world,
    on_grid,
    resample,
    same_grid,
    smooth_for,
    with_spacing,
)


@pytest.fixture
def image() -> sitk.Image:
    result = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(18, 20, 24)).astype(np.float32))
    result.SetSpacing((0.8, 0.9, 2.5))
    result.SetOrigin((-10.0, 30.0, -700.0))
    return result


@pytest.mark.parametrize("signs", list(itertools.product([1, -1], repeat=3)))
def test_canonical_axes_hold_the_same_voxels_at_the_same_places(image: sitk.Image, signs: tuple[int, ...]) -> None:
    turned = sitk.Flip(sitk.PermuteAxes(image, (2, 0, 1)), [sign < 0 for sign in signs])

    back = canonical(turned)

    np.testing.assert_allclose(np.reshape(back.GetDirection(), (3, 3)), np.eye(3), atol=1e-9)
    assert same_grid(back, image)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))


@pytest.mark.parametrize("order", ["LPS", "RAI", "SPL", "ALI", "PIR"])
def test_a_voxel_size_along_the_patients_axes_is_found_in_any_order_of_storage(image: sitk.Image, order: str) -> None:
    stored = sitk.DICOMOrient(image, order)
    grid = canonical(with_spacing(stored, along_stored_axes(stored, (1.0, 2.0, 4.0))))
    assert grid.GetSpacing() == (1.0, 2.0, 4.0)


def test_another_spacing_covers_the_same_extent(image: sitk.Image) -> None:
    grid = with_spacing(image, (1.6, 1.8, 5.0))

    assert grid.GetSize() == (12, 10, 9)
    for corner in (-0.5, None):
        old = image.TransformContinuousIndexToPhysicalPoint([corner or n - 0.5 for n in image.GetSize()])
        new = grid.TransformContinuousIndexToPhysicalPoint([corner or n - 0.5 for n in grid.GetSize()])
        np.testing.assert_allclose(old, new, atol=1e-9)


def test_smoothing_keeps_the_mean_and_removes_what_a_coarse_grid_cannot_hold(image: sitk.Image) -> None:
    smooth = sitk.GetArrayFromImage(smooth_for(image, (3.0, 3.0, 3.0)))

    assert smooth.mean() == pytest.approx(sitk.GetArrayFromImage(image).mean(), abs=0.02)
    assert smooth.std() < 0.5 * sitk.GetArrayFromImage(image).std()


def test_smoothing_for_a_finer_grid_changes_nothing(image: sitk.Image) -> None:
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(smooth_for(image, (0.5, 0.5, 1.0))), sitk.GetArrayFromImage(image)
    )


def test_beyond_the_image_there_is_air_and_no_label(image: sitk.Image) -> None:
    far = with_spacing(image, image.GetSpacing())
    far.SetOrigin((500.0, 0.0, 0.0))

    assert np.all(sitk.GetArrayFromImage(resample(image, far)) == -1024)
    labels = sitk.Cast(image > 0, sitk.sitkUInt8)
    assert not sitk.GetArrayFromImage(resample(labels, far, label=True)).any()


def test_a_box_holds_the_mask_and_its_margin() -> None:
    mask = np.zeros((10, 20, 30), bool)
    mask[4:6, 8:12, 15:18] = True

    box = box_around(mask, (1.0, 2.0, 5.0), margin_mm=4.0)

    assert box == Box(start=(11, 6, 3), size=(11, 8, 4))
    assert mask[box.slices].sum() == mask.sum()


def test_a_box_is_cut_at_the_border_and_an_empty_mask_has_none() -> None:
    mask = np.zeros((4, 4, 4), bool)
    with pytest.raises(ValueError, match="empty"):
        box_around(mask, (1, 1, 1), 1.0)
    mask[0, 0, 0] = True
    assert box_around(mask, (1, 1, 1), 10.0) == Box((0, 0, 0), (4, 4, 4))


def test_a_cropped_image_stays_where_it_was(image: sitk.Image) -> None:
    part = Box((3, 4, 5), (6, 7, 8)).crop(image)

    np.testing.assert_allclose(part.GetOrigin(), image.TransformIndexToPhysicalPoint((3, 4, 5)))


@pytest.mark.parametrize("orientation", ["LPS", "SRA", "PIR"])
def test_the_index_to_world_matrix_is_simpleitk_s(image: sitk.Image, orientation: str) -> None:
    cosine, sine = np.cos(0.3), np.sin(0.3)
    image.SetDirection((cosine, 0, sine, 0, 1, 0, -sine, 0, cosine))
    stored = sitk.DICOMOrient(image, orientation)
    for index in ((0, 0, 0), (1, 2, 3), (17, 4, 9)):
        point = index_to_world(stored) @ (*index, 1)
        np.testing.assert_allclose(point[:3], stored.TransformIndexToPhysicalPoint(index), atol=1e-9)


def test_an_image_on_the_grid_stays_itself_and_another_one_is_resampled(image: sitk.Image) -> None:
    coarse = with_spacing(image, (1.6, 1.8, 5.0))

    assert on_grid(image, image) is image
    assert same_grid(on_grid(image, coarse), coarse)


def test_a_crop_on_a_grid_is_the_same_part_for_an_image_of_any_grid(image: sitk.Image) -> None:
    box = Box((3, 4, 5), (6, 7, 8))
    turned = sitk.DICOMOrient(image, "RAS")

    own, other = box.crop_on(image, image), box.crop_on(image, turned)

    assert same_grid(own, other)
    np.testing.assert_allclose(sitk.GetArrayFromImage(own), sitk.GetArrayFromImage(other), atol=1e-4)
