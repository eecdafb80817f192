"""Phases that lie otherwise are turned or moved back and named; phases of other parts of the body stay."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.exam.common_frame import MIRRORED, in_common_frame
from NephroSynthLib.exam.volume import Volume


def _in_frame(urography: dict[str, sitk.Image], excretory: sitk.Image) -> SimpleNamespace:
    volumes = {"non-contrast phase": Volume(urography["noncontrast"]), "excretory phase": Volume(excretory)}
    moved, maps, warnings = in_common_frame(volumes)
    return SimpleNamespace(image=moved["excretory phase"].image, maps=maps, warnings=warnings)


def _flipped(image: sitk.Image, *axes: int) -> sitk.Image:
    flipped = sitk.GetImageFromArray(np.flip(sitk.GetArrayFromImage(image), axes).copy())
    flipped.CopyInformation(image)
    return flipped


def _moved(image: sitk.Image, shift: tuple[float, float, float]) -> sitk.Image:
    moved = sitk.Image(image)
    moved.SetOrigin((np.array(image.GetOrigin()) + shift).tolist())
    return moved


def test_phases_that_lie_alike_stay_as_they_are(urography: dict[str, sitk.Image]) -> None:
    found = _in_frame(urography, urography["excretory"])
    assert (found.maps, found.warnings) == ({}, ())
    assert found.image is urography["excretory"]


@pytest.mark.parametrize(
    ("axes", "said", "mirrored"),
    [
        ((2,), "left and right are exchanged", True),
        ((0,), "head and feet are exchanged", True),
        ((1, 2), "rolled by about 180 degrees", False),
    ],
)
def test_a_turned_phase_is_turned_back_and_named(
    urography: dict[str, sitk.Image], axes: tuple[int, ...], said: str, mirrored: bool
) -> None:
    found = _in_frame(urography, _flipped(urography["excretory"], *axes))
    assert len(found.warnings) == 1
    assert said in found.warnings[0]
    assert (MIRRORED in found.warnings[0]) == mirrored
    hu = sitk.GetArrayFromImage(sitk.DICOMOrient(urography["excretory"], "LPS"))
    assert np.array_equal(sitk.GetArrayFromImage(found.image), hu)
    assert np.allclose(found.image.GetOrigin(), urography["excretory"].GetOrigin(), atol=25.0)


def test_a_frame_of_reference_far_away_is_overcome_and_named(urography: dict[str, sitk.Image]) -> None:
    found = _in_frame(urography, _moved(urography["excretory"], (0.0, 0.0, 400.0)))
    assert "400 mm apart" in found.warnings[0]
    assert np.allclose(found.image.GetOrigin(), urography["excretory"].GetOrigin(), atol=25.0)


def test_a_phase_without_the_same_anatomy_stays_far_away(urography: dict[str, sitk.Image]) -> None:
    noise = sitk.AdditiveGaussianNoise(urography["excretory"] * 0.0 + 40.0, 30.0, 0.0, 5)
    far = _moved(noise, (0.0, 0.0, 400.0))
    found = _in_frame(urography, far)
    assert (found.maps, found.warnings, found.image) == ({}, (), far)
