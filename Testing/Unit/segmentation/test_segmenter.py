from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.swin_diffusion import restore_denoiser
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.segmenter import (
    Segmentation,
    kidney_probability,
    label_warnings,
    touching_mm2,
    volumes_ml,
)
from NephroSynthLib.settings import SegmentationSettings


def test_volumes_are_those_of_the_voxels_of_each_side() -> None:
    labels = np.zeros((10, 20, 30), np.uint8)
    labels[2:6, 3:9, 1:6], labels[1:3, 2:5, 20:27] = 1, 2
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((2.0, 5.0, 10.0))
    assert volumes_ml(image) == {"right": 12.0, "left": 4.2}


def two_boxes(right: tuple[int, int], left: tuple[int, int], voxel_mm: float = 10.0) -> sitk.Image:
    """Returns a label map with a box of 5 by 5 voxels for each kidney, from and to a column."""
    labels = np.zeros((5, 5, 400), np.uint8)
    labels[:, :, slice(*right)], labels[:, :, slice(*left)] = 1, 2
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((voxel_mm,) * 3)
    return image


@pytest.mark.parametrize(("columns", "word"), [(1, "little"), (30, "much")])
def test_a_volume_beyond_reason_is_doubted(columns: int, word: str) -> None:
    (warning,) = label_warnings(two_boxes((0, 6), (100, 100 + columns)))
    assert f"left kidney has {25 * columns} ml, which is {word}" in warning


def test_usual_volumes_are_not_doubted() -> None:
    assert label_warnings(two_boxes((0, 2), (100, 124))) == ()


def test_kidneys_that_touch_are_a_horseshoe_kidney_and_said() -> None:
    joined, apart = two_boxes((0, 6), (6, 12)), two_boxes((0, 6), (7, 13))
    assert touching_mm2(joined) == pytest.approx(2500)
    assert touching_mm2(apart) == 0
    assert Segmentation(joined, {}, (), ("given", "")).horseshoe
    assert any("horseshoe" in warning for warning in label_warnings(joined))
    assert label_warnings(apart) == ()


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return restore_denoiser(load_bundle(SegmentationSettings().model, task="segmentation"), "cpu")


def test_the_probability_of_a_mirrored_ct_is_the_mirrored_probability(denoiser: Denoiser) -> None:
    hu = np.random.default_rng(0).normal(30, 60, (16, 32, 32)).astype(np.float32)
    done: list[float] = []

    direct = kidney_probability(hu, denoiser, 1, 7, Progress(lambda event: done.append(event.fraction)))
    mirrored = kidney_probability(hu[..., ::-1].copy(), denoiser, 1, 7)

    np.testing.assert_allclose(mirrored, direct[..., ::-1], atol=1e-6)
    assert direct.min() >= 0
    assert direct.max() <= 1
    assert done == sorted(done)
