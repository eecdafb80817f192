"""The dense stage recovers a known displacement in a drawn abdomen, stays invertible, and leaves held kidneys alone."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.registration.dense_stage import LEAST_JACOBIAN, refine
from NephroSynthLib.registration.fusion import FusedMap, fuse
from NephroSynthLib.registration.geometry import WorkingGrid

GRID = WorkingGrid.between((-80.0, -80.0, -80.0), (80.0, 80.0, 80.0), 2.5)
KIDNEY = np.linalg.norm(GRID.points() / np.array([1.0, 1.0, 1.5]), axis=-1) < 22.0
MASK = GRID.image(KIDNEY.astype(np.uint8))


def _moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns where the anatomy goes: by 6 mm up on one side of the kidney, not at all in it."""
    offset = (points - np.array([50.0, 0.0, 0.0])) / np.array([25.0, 45.0, 45.0])
    shift = 6.0 * np.exp(-((offset**2).sum(-1) ** 2))
    return np.stack([points[..., 0], points[..., 1], points[..., 2] + shift], axis=-1)


def _phases(pelvis: float = 40.0) -> tuple[sitk.Image, sitk.Image]:
    """Returns both phases: organs of random shape in fat; enhancement changes each organ on its own."""
    rng = np.random.default_rng(3)
    organs = ndimage.gaussian_filter(rng.normal(size=GRID.size[::-1]), 3.0)
    organs[KIDNEY] = 1.0
    fixed = np.where(organs > 0, 40.0, -100.0)
    enhanced = np.where(organs > 0, 60.0 + 30.0 * np.sin(np.arange(GRID.size[2]) / 9.0), -100.0)
    # moving(y) with y = moved(x) shows the tissue of x; the displacement is along z alone, so it is inverted by steps.
    source = GRID.points().copy()
    for _ in range(30):
        source += GRID.points() - _moved(source)
    moving = ndimage.map_coordinates(enhanced, GRID.indices(source), order=1, mode="nearest")
    moving[np.linalg.norm(GRID.points() - np.array([0.0, 45.0, 0.0]), axis=-1) < 7.0] = pelvis
    noisy = [array + rng.normal(0, 10, array.shape) for array in (fixed, moving)]
    first, second = (GRID.image(array.astype(np.float32)) for array in noisy)
    return first, second


STILL = fuse(np.eye(4), (), ())


def _errors(result: FusedMap, where: NDArray[np.bool_]) -> NDArray[np.float64]:
    points = GRID.points()[where][::97]
    found = np.array([result.transform.TransformPoint(point.tolist()) for point in points])
    return np.asarray(np.linalg.norm(found - _moved(points), axis=1))


BESIDE = np.linalg.norm((GRID.points() - np.array([50.0, 0.0, 0.0])) / np.array([1.0, 2.0, 2.0]), axis=-1) < 14.0


@pytest.fixture(scope="module", name="refined")
def _refined() -> FusedMap:
    return refine(*_phases(), [MASK], [MASK], STILL)


def test_the_tissue_beside_the_kidney_is_aligned_and_nothing_folds(refined: FusedMap) -> None:
    assert _errors(STILL, BESIDE).mean() > 4.0
    assert _errors(refined, BESIDE).mean() < 1.0
    assert refined.min_jacobian > LEAST_JACOBIAN


def test_a_held_kidney_stays_where_stage_2_put_it(refined: FusedMap) -> None:
    assert _errors(refined, KIDNEY).max() < 0.5


def test_the_map_is_affine_beyond_the_region(refined: FusedMap) -> None:
    assert refined.transform.TransformPoint((300.0, 0.0, 0.0)) == (300.0, 0.0, 0.0)


def test_contrast_that_one_phase_alone_shows_does_not_steer(refined: FusedMap) -> None:
    strong = refine(*_phases(pelvis=1500.0), [MASK], [MASK], STILL)
    points = GRID.points()[np.linalg.norm(GRID.points() - np.array([0.0, 45.0, 0.0]), axis=-1) < 20.0][::97].tolist()
    moves = np.array(
        [np.subtract(strong.transform.TransformPoint(p), refined.transform.TransformPoint(p)) for p in points]
    )
    assert np.linalg.norm(moves, axis=1).mean() < 0.8
