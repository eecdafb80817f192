"""The placement of a phase: each way of turning, mirroring or moving it is found, named and undone."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.placement import ALIKE, Turn, find_placement, placed

STEP_MM = 5.0
SHAPE = (40, 44, 60)


def _image(hu: NDArray[np.float64]) -> sitk.Image:
    image = sitk.GetImageFromArray(hu.astype(np.float32))
    image.SetSpacing((STEP_MM,) * 3)
    image.SetOrigin((-150.0, -110.0, -100.0))
    return image


def _body(seed: int, pattern: int = 3) -> NDArray[np.float64]:
    """A body of organs of random shape and HU; `seed` draws the noise, `pattern` the organs."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE[1:]), indexing="ij")
    organs = ndimage.gaussian_filter(np.random.default_rng(pattern).normal(size=SHAPE), 3.0)
    hu = np.where(organs > 0, 60.0, -100.0) + np.random.default_rng(seed).normal(0, 15, SHAPE)
    return np.where((x / 0.85) ** 2 + (y / 0.8) ** 2 < 1, hu, -1000.0)


FIXED = _image(_body(1))


def _rolled(degrees: float) -> sitk.Image:
    roll = sitk.Euler3DTransform((-2.5, -2.5, -2.5), 0, 0, -np.deg2rad(degrees))
    return sitk.Resample(_image(_body(2)), FIXED, roll, sitk.sitkLinear, -1024.0)


TURNED = {
    "left and right are exchanged": _image(_body(2)[:, :, ::-1]),
    "front and back are exchanged": _image(_body(2)[:, ::-1]),
    "head and feet are exchanged": _image(_body(2)[::-1]),
    "left and right as well as head and feet are exchanged": _image(_body(2)[::-1, :, ::-1]),
    "the body is rolled by about 180 degrees about its long axis": _image(_body(2)[:, ::-1, ::-1]),
    "the body is rolled by about 30 degrees about its long axis": _rolled(30.0),
    "the body is rolled by about 75 degrees about its long axis": _rolled(75.0),
}


@pytest.mark.parametrize("words", TURNED)
def test_each_orientation_is_found_named_and_undone(words: str) -> None:
    found = find_placement(FIXED, TURNED[words])
    assert found.turn.words == words
    assert found.turn.is_reflection == (np.linalg.det(found.matrix) < 0)
    back = sitk.Resample(placed(TURNED[words], found.matrix), FIXED, sitk.Transform(), sitk.sitkLinear, -1024.0)
    hu, expected = sitk.GetArrayFromImage(back)[4:-4, 8:-8, 12:-12], _body(1)[4:-4, 8:-8, 12:-12]
    assert np.corrcoef(hu.ravel(), expected.ravel())[0, 1] > 0.55


@pytest.mark.parametrize("degrees", [0.0, 7.0])
def test_a_phase_that_lies_alike_counts_as_it_is(degrees: float) -> None:
    found = find_placement(FIXED, _rolled(degrees))
    assert found.turn == Turn()
    assert np.linalg.norm(found.matrix[:3, 3]) < 10


def test_another_frame_of_reference_is_found_at_any_distance() -> None:
    far = _image(_body(2))
    shift = np.array([35.0, -20.0, 400.0])
    far.SetOrigin((np.array(far.GetOrigin()) + shift).tolist())
    found = find_placement(FIXED, far)
    assert (found.turn, found.likeness > ALIKE) == (Turn(), True)
    assert np.allclose(found.matrix[:3, 3], shift, atol=7.0)


def test_another_body_is_not_alike_and_counts_as_it_is() -> None:
    found = find_placement(FIXED, _image(_body(2, pattern=8)))
    assert (found.turn, found.likeness < ALIKE) == (Turn(), True)


def test_a_placed_image_shows_each_point_at_its_new_place() -> None:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Turn(roll_deg=90, mirrored=True).matrix, (10.0, -20.0, 30.0)
    moved = placed(FIXED, matrix)
    point = np.array([10.0, 5.0, -30.0])
    before = FIXED.GetPixel(FIXED.TransformPhysicalPointToIndex((matrix[:3, :3] @ point + matrix[:3, 3]).tolist()))
    assert moved.GetPixel(moved.TransformPhysicalPointToIndex(point.tolist())) == before
