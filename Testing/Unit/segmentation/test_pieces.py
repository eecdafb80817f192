from __future__ import annotations

import numpy as np
import pytest
from Unit.segmentation.abdomen import SPACING, Abdomen, ellipsoid, left_kidney, right_kidney

from NephroSynthLib.segmentation.pieces import Scan, find_pieces


def test_an_ellipsoid_is_measured_as_it_was_made(abdomen: Abdomen) -> None:
    abdomen.add(left_kidney())

    (found,) = find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING))

    assert found.ml == pytest.approx(4 / 3 * np.pi * 18 * 8.5 * 8 * 0.027, rel=0.03)
    assert found.axes_mm == pytest.approx((48, 51, 108), rel=0.03)
    assert found.elongation == pytest.approx(108 / (48 * 51) ** 0.5, rel=0.03)
    assert found.upright == pytest.approx(1.0, abs=1e-3)
    assert found.centre_mm == pytest.approx((99, 114, 210), abs=0.5)
    assert found.lateral_mm == pytest.approx(60, abs=3)
    assert found.ahead_mm == pytest.approx(12, abs=3)
    assert found.probability == pytest.approx(0.93)
    assert found.hu == pytest.approx(90, abs=1)
    assert found.spread_hu == pytest.approx(10, rel=0.1)
    assert found.continued == 0
    assert found.lung == 0
    assert not found.cut


def test_a_piece_at_the_edge_counts_as_cut_and_one_in_the_same_tissue_as_continued(abdomen: Abdomen) -> None:
    spleen = ellipsoid((0, 36, 72), (30, 16, 16))
    abdomen.add(spleen, probability=0.0)
    abdomen.probability[spleen & ellipsoid((0, 36, 72), (12, 8, 8))] = 0.93

    (found,) = find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING))

    assert found.cut
    assert found.continued > 0.8


def test_lung_beside_a_piece_is_measured(abdomen: Abdomen) -> None:
    abdomen.add(left_kidney())
    abdomen.hu[ellipsoid((44, 36, 70), (14, 12, 12)) & ~left_kidney()] = -850.0
    (found,) = find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING))
    assert 0.2 < found.lung < 0.6


def test_two_organs_that_touch_are_candidates_together_and_apart(abdomen: Abdomen) -> None:
    kidney = left_kidney((28, 38, 70))
    other = ellipsoid((53, 24, 70), (10, 12, 12))
    abdomen.add(kidney | other | ellipsoid((43, 31, 70), (8, 4, 3)))

    found = find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING))

    whole = max(found, key=lambda one: one.ml)
    parts = [one for one in found if one is not whole]
    assert all(part.overlaps(whole) for part in parts)
    for organ in (kidney, other):
        apart = min(parts, key=lambda one: abs(one.ml - organ.sum() * 0.027))
        assert apart.ml == pytest.approx(organ.sum() * 0.027, rel=0.15)
    assert not min(parts, key=lambda one: one.centre_mm[0]).overlaps(max(parts, key=lambda one: one.centre_mm[0]))


def test_small_pieces_and_pieces_outside_the_body_are_no_candidates(abdomen: Abdomen) -> None:
    abdomen.add(right_kidney())
    abdomen.add(ellipsoid((50, 30, 70), (4, 4, 4)))
    abdomen.probability[ellipsoid((32, 3, 88), (20, 8, 9))] = 0.95
    (found,) = find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING))
    assert found.lateral_mm < 0
