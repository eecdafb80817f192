from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.segmentation.segmenter import volume_warnings, volumes_ml


def test_volumes_are_those_of_the_voxels_of_each_side() -> None:
    labels = np.zeros((10, 20, 30), np.uint8)
    labels[2:6, 3:9, 1:6], labels[1:3, 2:5, 20:27] = 1, 2
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((2.0, 5.0, 10.0))
    assert volumes_ml(image) == {"right": 12.0, "left": 4.2}


@pytest.mark.parametrize(("volume", "word"), [(12.0, "little"), (689.0, "much")])
def test_a_volume_beyond_reason_is_doubted(volume: float, word: str) -> None:
    (warning,) = volume_warnings({"right": 150.0, "left": volume})
    assert f"left kidney has {volume:.0f} ml, which is {word}" in warning


def test_usual_volumes_are_not_doubted() -> None:
    assert volume_warnings({"right": 30.0, "left": 600.0}) == ()
