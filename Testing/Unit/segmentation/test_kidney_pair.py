from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.imaging.sides import LEFT, RIGHT
from NephroSynthLib.segmentation.kidney_pair import split_sides

SHAPE, SPACING = (40, 60, 100), 3.0
GRID = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    offsets = [(axis - c) / r for axis, c, r in zip(GRID, centre, radii, strict=True)]
    return sum(offset**2 for offset in offsets) <= 1


@pytest.fixture
def body() -> np.ndarray:
    return np.where(ellipsoid((20, 30, 50), (100, 25, 45)), 40.0, -1000.0)


def test_a_kidney_in_a_view_of_one_flank_keeps_its_side(body: np.ndarray) -> None:
    body[ellipsoid((20, 45, 50), (100, 6, 6))] = 400.0
    flank = body[:, :, 40:]
    kidney = ellipsoid((22, 35, 70), (14, 8, 10))[:, :, 40:]
    assert set(np.unique(split_sides(kidney.astype(float), flank, SPACING))) == {0, LEFT}


def test_the_kidney_at_smaller_x_is_the_right_one(body: np.ndarray) -> None:
    right, left = ellipsoid((20, 35, 30), (14, 8, 8)), ellipsoid((22, 35, 70), (14, 8, 8))

    labels = split_sides((right | left).astype(float), body, SPACING)

    np.testing.assert_array_equal(labels == RIGHT, right)
    np.testing.assert_array_equal(labels == LEFT, left)


def test_one_kidney_keeps_its_side(body: np.ndarray) -> None:
    left = ellipsoid((22, 35, 70), (14, 8, 8))
    labels = split_sides(left.astype(float), body, SPACING)
    assert set(np.unique(labels)) == {0, LEFT}


def test_small_pieces_and_second_pieces_of_a_side_are_dropped(body: np.ndarray) -> None:
    kidney, spleen, speck = (
        ellipsoid((20, 35, 70), (14, 8, 8)),
        ellipsoid((34, 20, 80), (5, 5, 5)),
        ellipsoid((20, 30, 20), (2, 2, 2)),
    )
    labels = split_sides((kidney | spleen | speck).astype(float), body, SPACING)
    np.testing.assert_array_equal(labels > 0, kidney)


def test_a_horseshoe_kidney_is_cut_at_the_midline(body: np.ndarray) -> None:
    parts = [ellipsoid((20, 35, x), (14, 8, 9)) for x in (32, 68)] + [ellipsoid((10, 33, 50), (4, 4, 22))]
    horseshoe = np.any(parts, axis=0)

    labels = split_sides(horseshoe.astype(float), body, SPACING)

    np.testing.assert_array_equal(labels > 0, horseshoe)
    columns = [np.flatnonzero((labels == side).any(axis=(0, 1))) for side in (RIGHT, LEFT)]
    assert columns[0].max() < 50 <= columns[1].min()


def test_no_kidney_is_no_label(body: np.ndarray) -> None:
    assert not split_sides(np.zeros(SHAPE), body, SPACING).any()


def test_a_full_bladder_is_no_kidney_however_large(body: np.ndarray) -> None:
    kidney, bladder = ellipsoid((30, 35, 70), (8, 8, 8)), ellipsoid((8, 25, 52), (8, 14, 14))
    assert bladder.sum() > kidney.sum()
    labels = split_sides((kidney | bladder).astype(float), body, SPACING)
    np.testing.assert_array_equal(labels == LEFT, kidney)
    assert not (labels == RIGHT).any()


def test_dense_urine_does_not_pass_for_the_spine(body: np.ndarray) -> None:
    body[ellipsoid((20, 45, 50), (100, 4, 4))] = 400.0
    kidney = ellipsoid((20, 35, 30), (16, 9, 12))
    body[ellipsoid((20, 35, 32), (14, 7, 9))] = 900.0
    labels = split_sides(kidney[:, :, :62].astype(float), body[:, :, :62], SPACING)
    assert set(np.unique(labels)) == {0, RIGHT}


def test_a_piece_outside_the_body_is_no_kidney_however_large(body: np.ndarray) -> None:
    kidney, air = ellipsoid((20, 35, 70), (12, 7, 7)), ellipsoid((20, 3, 88), (18, 8, 9))
    assert air.sum() > kidney.sum()
    labels = split_sides((kidney | air).astype(float), body, SPACING)
    np.testing.assert_array_equal(labels > 0, kidney)
