from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import Tensor, nn
from Unit.segmentation.abdomen import Abdomen, left_kidney, right_kidney

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.swin_diffusion import restore_denoiser
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation import segmenter
from NephroSynthLib.segmentation.kidney_pair import choose_kidneys
from NephroSynthLib.segmentation.segmenter import (
    Segmentation,
    kidney_probability,
    label_warnings,
    segment_kidneys,
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


class Bright(nn.Module):
    """Takes for kidney all voxels of 60 to 150 HU; runs out of memory above a number of voxels."""

    def __init__(self, most: int = 10**9) -> None:
        super().__init__()
        self.low = nn.Parameter(torch.tensor(0.06))
        self.most = most
        self.tiles: list[int] = []

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        self.tiles.append(x[0, 0].numel())
        if self.tiles[-1] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        thousands = condition[:, 1:2]
        return torch.where((thousands > self.low) & (thousands < 0.15), 0.9, -1.0)


def test_a_device_with_little_memory_finds_the_same_in_smaller_tiles(abdomen: Abdomen) -> None:
    abdomen.add(right_kidney())
    hu = np.concatenate([abdomen.hu, abdomen.hu], axis=0)
    small, large = Bright(most=400_000), Bright()
    tiled, whole = (kidney_probability(hu, Denoiser(net, VariancePreserving()), 1, 0) for net in (small, large))
    assert small.tiles[0] == large.tiles[0] == hu.size
    assert len(small.tiles) > len(large.tiles)
    np.testing.assert_allclose(tiled, whole, atol=1e-3)


def test_sides_are_those_of_the_patient_in_all_48_orientations(
    abdomen: Abdomen, monkeypatch: pytest.MonkeyPatch
) -> None:
    abdomen.add(right_kidney())
    abdomen.add(left_kidney((36, 38, 70)))
    near = slice(12, 56), slice(26, 50), slice(18, 82)
    hu, probability = abdomen.hu[near], abdomen.probability[near]
    image = sitk.GetImageFromArray(hu.astype(np.float32))
    image.SetSpacing((3.0, 3.0, 3.0))
    image.SetOrigin((-150.0, -90.0, -400.0))
    seen: list[np.ndarray] = []

    def once(hu: np.ndarray, *_: object) -> np.ndarray:
        seen.append(hu)
        np.testing.assert_array_equal(hu, seen[0])
        return probability

    choice, bundle = (
        choose_kidneys(probability, hu, 3.0),
        load_bundle(SegmentationSettings().model, task="segmentation"),
    )
    monkeypatch.setattr(segmenter, "load_bundle", lambda *_, **__: bundle)
    monkeypatch.setattr(segmenter, "restore_denoiser", lambda *_: None)
    monkeypatch.setattr(segmenter, "kidney_probability", once)
    monkeypatch.setattr(segmenter, "choose_kidneys", lambda *_: choice)
    expected = None
    for order, flips in itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)):
        turned = sitk.Flip(sitk.PermuteAxes(image, order), flips)
        found = segment_kidneys(turned, SegmentationSettings()).labels
        assert found.GetDirection() == turned.GetDirection()
        back = sitk.GetArrayFromImage(sitk.Resample(found, image, sitk.Transform(), sitk.sitkNearestNeighbor))
        expected = back if expected is None else expected
        np.testing.assert_array_equal(back, expected)
    assert expected is not None
    right, left = (np.argwhere(expected == label)[:, 2].mean() for label in (1, 2))
    assert right < 32 < left  # columns run to the patient's left
    assert len(seen) == 48
