from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.evaluation.overlap import kidney_overlap


def labels(array: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 2.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    return image


def block(x: int, label: int = 1) -> np.ndarray:
    array = np.zeros((12, 20, 30))
    array[2:10, 4:16, x : x + 10] = label
    return array


def test_dice_of_shifted_blocks_is_the_shared_fraction() -> None:
    found = kidney_overlap(labels(block(5)), labels(block(8)))
    assert found["right"].dice == pytest.approx(0.7)
    assert "left" not in found


def test_dice_and_hausdorff_are_simpleitk_s() -> None:
    rng = np.random.default_rng(0)
    noise = [
        sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(labels(255 * rng.random((12, 20, 30))), 2)) for _ in "ab"
    ]
    first, second = (array > np.median(array) for array in noise)
    found = kidney_overlap(labels(first), labels(second))["right"]
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(labels(first), labels(second))
    assert found.dice == pytest.approx(overlap.GetDiceCoefficient(1))
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(labels(first), labels(second))
    assert 0 < found.mean_surface_distance_mm < found.hausdorff95_mm <= hausdorff.GetHausdorffDistance() + 1e-6


def test_surface_distance_of_parallel_plates_is_their_distance_in_mm() -> None:
    first, second = np.zeros((9, 24, 24)), np.zeros((9, 24, 24))
    first[2], second[5] = 1, 1
    found = kidney_overlap(labels(first), labels(second))["right"]
    assert found.dice == 0
    assert found.mean_surface_distance_mm == pytest.approx(6.0)
    assert found.hausdorff95_mm == pytest.approx(6.0)


def test_a_kidney_that_only_one_has_scores_zero_without_a_distance() -> None:
    found = kidney_overlap(labels(block(3) + block(18, 2)), labels(block(3)))
    assert found["right"].dice == 1
    assert (found["left"].dice, found["left"].hausdorff95_mm) == (0.0, None)


def test_the_second_map_is_brought_onto_the_grid_of_the_first() -> None:
    first = labels(block(5))
    fine = sitk.Resample(
        first, [60, 40, 24], sitk.Transform(), sitk.sitkNearestNeighbor, (-0.25, -0.25, -0.5), (0.5, 0.5, 1.0)
    )
    assert kidney_overlap(first, fine)["right"].dice == pytest.approx(1.0)
