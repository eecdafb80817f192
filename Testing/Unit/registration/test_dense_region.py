"""The region of the dense stage: its place, and the voxels that one phase alone shows do not steer."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from NephroSynthLib.registration.dense_region import FADE_MM, REACH_MM, dense_region, kidney_distance
from NephroSynthLib.registration.geometry import WorkingGrid

GRID = WorkingGrid.between((-70.0, -70.0, -70.0), (70.0, 70.0, 70.0), 2.5)
STILL = sitk.Transform(3, sitk.sitkIdentity)


def _ball(center: tuple[float, float, float], radius: float) -> np.ndarray:
    return np.linalg.norm(GRID.points() - np.array(center), axis=-1) < radius


def _image(**spots: float) -> sitk.Image:
    places = {"spine": (30.0, 40.0, 0.0), "bowel": (-30.0, -30.0, 0.0), "pelvis": (0.0, 0.0, 0.0)}
    hu = np.where(_ball((0, 0, 0), 25.0), 40.0, -100.0)
    for name, value in spots.items():
        hu[_ball(places[name], 8.0)] = value
    return GRID.image(hu.astype(np.float32))


MASK = GRID.image(_ball((0, 0, 0), 25.0).astype(np.uint8))


@pytest.mark.parametrize(
    ("fixed", "moving", "spot", "counts"),
    [
        (_image(spine=400.0), _image(spine=400.0), (30.0, 40.0, 0.0), True),
        (_image(pelvis=20.0), _image(pelvis=900.0), (0.0, 0.0, 0.0), False),
        (_image(bowel=-900.0), _image(bowel=20.0), (-30.0, -30.0, 0.0), False),
        (_image(), _image(spine=400.0), (30.0, 40.0, 0.0), False),
    ],
)
def test_what_one_phase_alone_shows_does_not_steer(
    fixed: sitk.Image, moving: sitk.Image, spot: tuple[float, float, float], counts: bool
) -> None:
    region = dense_region(fixed, moving, [MASK], STILL)
    index = tuple(np.round(region.grid.indices(np.array(spot))).astype(int))
    assert region.steers[index] == counts
    assert region.steers[tuple(np.round(region.grid.indices(np.array([0.0, 45.0, 30.0]))).astype(int))]


def test_the_region_surrounds_the_kidney_and_ends_near_the_image() -> None:
    region = dense_region(_image(), _image(), [MASK], STILL)
    assert np.all(np.asarray(region.grid.origin) >= -25.0 - REACH_MM - FADE_MM - 5)
    assert np.all(np.asarray(region.grid.origin) <= -70.0)
    outside = ~region.grid.inside(_image())
    assert outside.any()
    assert not region.steers[outside].any()


def test_distances_are_those_of_scipy() -> None:
    inside = _ball((0, 0, 0), 25.0)
    expected = ndimage.distance_transform_edt(~inside, 2.5)
    assert np.allclose(kidney_distance(GRID, [MASK]), expected, atol=2.6)
