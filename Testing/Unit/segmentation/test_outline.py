from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.segmentation.outline import refined_outline

SPACING = (2.0, 1.0, 1.0)
Volume = NDArray[np.float64]


def kidney() -> NDArray[np.bool_]:
    """Returns a kidney in voxels of 2 by 1 by 1 mm: an ellipsoid with a cleft of sinus fat."""
    z, y, x = np.meshgrid(
        *(np.arange(-n, n + 1) * step for n, step in zip((28, 28, 28), SPACING, strict=True)), indexing="ij"
    )
    inside = (z / 48) ** 2 + (y / 22) ** 2 + (x / 20) ** 2 <= 1
    sinus = (np.abs(z) < 14) & (np.abs(y) < 5) & (x > 4)
    return np.asarray(inside & ~sinus)


def coarse(mask: NDArray[np.bool_]) -> Volume:
    """Returns the probability of a network that sees 3 mm voxels: the mask, low-pass filtered."""
    return np.asarray(ndimage.gaussian_filter(mask.astype(float), [2.4 / size for size in SPACING]))


@pytest.mark.parametrize("hu", [30.0, 90.0, 180.0])
def test_the_outline_follows_fat_that_the_network_did_not_resolve(hu: float) -> None:
    truth = kidney()
    image = np.where(truth, hu, -100.0) + np.random.default_rng(0).normal(0, 12, truth.shape)
    probability = coarse(truth)

    found = refined_outline(probability, image, SPACING)

    assert 1 - dice(found, truth) < 0.9 * (1 - dice(probability > 0.5, truth))
    assert dice(found, truth) > 0.97


def test_without_any_contrast_the_network_decides() -> None:
    truth = kidney()
    probability = coarse(truth)
    image = np.full(truth.shape, 30.0)
    np.testing.assert_array_equal(refined_outline(probability, image, SPACING), probability > 0.4)


def test_a_kidney_without_a_sure_voxel_stays_as_it_is() -> None:
    probability = np.where(kidney(), 0.7, 0.0)
    image = np.where(kidney(), -150.0, 30.0)
    np.testing.assert_array_equal(refined_outline(probability, image, SPACING), probability > 0.5)


def test_a_dark_cyst_that_the_network_is_sure_of_stays() -> None:
    truth = kidney()
    probability = np.where(truth, 0.97, 0.0)
    image = np.where(truth, 90.0, -100.0)
    image[20:30, 24:34, 12:20] = -30.0
    assert dice(refined_outline(probability, image, SPACING), truth) == 1.0
