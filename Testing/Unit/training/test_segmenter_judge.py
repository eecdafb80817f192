from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.progress import Progress
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training import segmenter_judge
from NephroSynthLib.training.segmenter_judge import agreement, found_kidneys


def _labels(*boxes: tuple[int, slice]) -> sitk.Image:
    array = np.zeros((12, 20, 40), np.uint8)
    for label, where in boxes:
        array[2:10, 4:16, where] = label
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(WORKING_SPACING)
    return image


def test_both_kidneys_count_alike() -> None:
    acquired = _labels((1, slice(2, 14)), (2, slice(24, 36)))
    shifted = _labels((1, slice(2, 14)), (2, slice(27, 39)))  # the left kidney, 3 of 12 voxels to the left
    found = agreement(shifted, acquired)
    assert found["segmenter_dice"] == pytest.approx((1 + 9 / 12) / 2)
    assert found["segmenter_surface_mm"] is not None
    assert 0 < found["segmenter_surface_mm"] < 3
    assert agreement(acquired, acquired) == {"segmenter_dice": 1.0, "segmenter_surface_mm": 0.0}


def test_a_kidney_that_is_not_found_has_no_distance() -> None:
    found = agreement(_labels((1, slice(2, 14))), _labels((1, slice(2, 14)), (2, slice(24, 36))))
    assert found == {"segmenter_dice": pytest.approx(0.5), "segmenter_surface_mm": None}
    assert agreement(_labels(), _labels()) == {"segmenter_dice": None, "segmenter_surface_mm": None}


def test_the_kidneys_of_a_volume_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hu = np.full((12, 30, 30), -90, np.float32)
    file = tmp_path / "found.npz"
    first = found_kidneys(hu, file, "cpu", Progress())
    assert first.GetSpacing() == WORKING_SPACING
    assert sitk.GetArrayFromImage(first).shape == hu.shape

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("they are found already")

    monkeypatch.setattr(segmenter_judge, "segment_kidneys", refuse)
    again = found_kidneys(hu, file, "cpu", Progress())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(first))
