from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.imaging.dice import dice


def test_dice_agrees_with_simpleitk() -> None:
    first, second = np.random.default_rng(0).random((2, 6, 7, 8)) < 0.4
    reference = sitk.LabelOverlapMeasuresImageFilter()
    reference.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (first, second)))

    assert dice(first, second) == pytest.approx(reference.GetDiceCoefficient(1))


def test_equal_masks_score_one_and_disjoint_masks_zero() -> None:
    mask = np.array([True, False, True])
    assert dice(mask, mask) == 1
    assert dice(mask, ~mask) == 0


def test_two_empty_masks_agree() -> None:
    assert dice(np.zeros(4, bool), np.zeros(4, bool)) == 1
