from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.padding import padding_as_air

Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def ct(phantom: Callable[..., sitk.Image]) -> sitk.Image:
    return phantom()


def replaced(image: sitk.Image, hu: np.ndarray) -> sitk.Image:
    result = sitk.GetImageFromArray(hu.astype(np.float32))
    result.CopyInformation(image)
    return result


def corners(hu: np.ndarray) -> np.ndarray:
    """What lies outside a circular field of view."""
    y, x = np.ogrid[-1 : 1 : hu.shape[1] * 1j, -1 : 1 : hu.shape[2] * 1j]
    return np.broadcast_to(x**2 + y**2 > 1.05, hu.shape)


@pytest.mark.parametrize("value", [0.0, -300.0, 40.0, 62512.0])
@pytest.mark.parametrize("shape", ["outside the body", "corners", "end slices"])
def test_constant_padding_becomes_air_and_is_told(ct: sitk.Image, value: float, shape: str) -> None:
    hu = sitk.GetArrayFromImage(ct)
    padding = {
        "outside the body": ~body_mask(hu),
        "corners": corners(hu),
        "end slices": np.broadcast_to(np.arange(len(hu))[:, None, None] < 4, hu.shape),
    }[shape]
    mended, found = padding_as_air(replaced(ct, np.where(padding, value, hu)))
    assert found == value
    result = sitk.GetArrayFromImage(mended)
    np.testing.assert_array_equal(result[padding], -1024)
    changed = (result != hu) & ~padding
    assert changed.mean() < 2e-3  # tissue that has the value by chance and touches the padding
    assert mended.GetSpacing() == ct.GetSpacing()


def test_a_value_of_the_padding_within_the_body_stays(ct: sitk.Image) -> None:
    hu = sitk.GetArrayFromImage(ct)
    padded = np.where(body_mask(hu), hu, 0)
    padded[8:12, 26:30, 34:38] = 0
    mended, _ = padding_as_air(replaced(ct, padded))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mended)[8:12, 26:30, 34:38], 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda hu: hu,
        lambda hu: hu[:, 20:36, 25:47],
        lambda hu: np.where(hu < -900, -1000, hu),
        lambda hu: np.where(hu < -900, -3024, hu),
        lambda hu: np.clip(hu, -150, 250),
        lambda hu: np.where(hu < -500, 5, 300 + hu * 0.8),
        lambda hu: np.full_like(hu, 40),
        lambda hu: ndimage.gaussian_filter(hu, 1.0),
    ],
    ids=["CT", "narrow CT", "air", "dark padding", "window", "MR", "one value", "smooth CT"],
)
def test_an_image_without_padding_stays_as_it_is(ct: sitk.Image, change: Change) -> None:
    image = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(ct)).astype(np.float32))
    mended, found = padding_as_air(image)
    assert found is None
    assert mended is image
