from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from Unit.segmentation.abdomen import SPACING, Abdomen, ellipsoid, left_kidney, right_kidney

from NephroSynthLib.imaging.sides import LEFT, RIGHT
from NephroSynthLib.segmentation.kidney_pair import KidneyChoice, choose_kidneys, remarks


def choose(abdomen: Abdomen) -> KidneyChoice:
    return choose_kidneys(abdomen.probability, abdomen.hu, SPACING)


def test_both_kidneys_are_found_on_their_sides(abdomen: Abdomen) -> None:
    right, left = abdomen.add(right_kidney()), abdomen.add(left_kidney())

    choice = choose(abdomen)

    np.testing.assert_array_equal(choice.labels == RIGHT, right)
    np.testing.assert_array_equal(choice.labels == LEFT, left)
    assert remarks(choice) == ((), ())


def test_a_stomach_that_is_larger_than_the_kidney_beside_it_is_left_out_and_said(abdomen: Abdomen) -> None:
    right, left = abdomen.add(right_kidney()), abdomen.add(left_kidney())
    stomach = abdomen.add(ellipsoid((52, 20, 70), (11, 13, 16)), hu=10.0, probability=0.95)
    assert stomach.sum() > 1.5 * left.sum()

    choice = choose(abdomen)

    np.testing.assert_array_equal(choice.labels == RIGHT, right)
    np.testing.assert_array_equal(choice.labels == LEFT, left)
    warnings, (note,) = remarks(choice)
    assert not warnings
    assert f"{stomach.sum() * 0.027:.0f} ml and 10 HU on the left" in note


def test_a_stomach_that_touches_the_kidney_is_cut_off_at_the_neck(abdomen: Abdomen) -> None:
    abdomen.add(right_kidney())
    stomach = abdomen.add(ellipsoid((52, 18, 72), (12, 13, 16)), hu=10.0)
    left = abdomen.add(left_kidney((29, 38, 70)))
    abdomen.add(ellipsoid((42, 30, 70), (9, 4, 4)) & ~left & ~stomach, hu=60.0, probability=0.6)

    labels = choose(abdomen).labels

    overlap = 2 * np.sum((labels == LEFT) & left) / (np.sum(labels == LEFT) + left.sum())
    assert overlap > 0.9


def test_a_neighbour_of_the_same_hu_that_the_network_hardly_finds_is_left_out(abdomen: Abdomen) -> None:
    abdomen.add(right_kidney())
    left = abdomen.add(left_kidney((29, 38, 70)))
    spleen = ellipsoid((50, 34, 76), (12, 13, 12)) & ~left
    abdomen.add(spleen, probability=0.4)
    abdomen.probability[spleen & ellipsoid((46, 36, 74), (7, 9, 9))] = 0.53

    labels = choose(abdomen).labels

    overlap = 2 * np.sum((labels == LEFT) & left) / (np.sum(labels == LEFT) + left.sum())
    assert overlap > 0.97


@pytest.mark.parametrize("side", [RIGHT, LEFT])
def test_one_kidney_keeps_its_side(abdomen: Abdomen, side: int) -> None:
    kidney = abdomen.add(right_kidney() if side == RIGHT else left_kidney())
    np.testing.assert_array_equal(choose(abdomen).labels, np.where(kidney, side, 0))


def test_bowel_opposite_a_lone_kidney_is_no_kidney_and_is_warned_of(abdomen: Abdomen) -> None:
    left = abdomen.add(left_kidney())
    abdomen.add(ellipsoid((20, 14, 22), (6, 8, 12)), hu=5.0, probability=0.7)

    choice = choose(abdomen)

    np.testing.assert_array_equal(choice.labels, np.where(left, LEFT, 0))
    ((warning,), notes) = remarks(choice)
    assert "on the right looks like kidney to the network" in warning
    assert not notes


def test_a_part_of_a_large_organ_of_the_same_hu_is_no_kidney(abdomen: Abdomen) -> None:
    spleen = ellipsoid((40, 34, 72), (22, 16, 16))
    abdomen.add(spleen, probability=0.0)
    abdomen.probability[spleen & ellipsoid((40, 38, 66), (14, 8, 8))] = 0.93
    assert not choose(abdomen).labels.any()


def test_no_probability_is_no_kidney(abdomen: Abdomen) -> None:
    choice = choose(abdomen)
    assert not choice.labels.any()
    assert remarks(choice) == ((), ())


def test_a_horseshoe_kidney_is_cut_at_the_midline(abdomen: Abdomen) -> None:
    horseshoe = right_kidney() | left_kidney() | ellipsoid((20, 31, 50), (4, 4, 24))
    abdomen.add(horseshoe)

    labels = choose(abdomen).labels

    np.testing.assert_array_equal(labels > 0, horseshoe)
    columns = [np.flatnonzero((labels == side).any(axis=(0, 1))) for side in (RIGHT, LEFT)]
    assert columns[0].max() < columns[1].min()
    assert abs(columns[1].min() - 50) <= 1


def test_a_pelvic_kidney_is_found_and_said(abdomen: Abdomen) -> None:
    pelvic = abdomen.add(ellipsoid((26, 22, 72), (18, 8.5, 8)))

    choice = choose(abdomen)

    np.testing.assert_array_equal(choice.labels, np.where(pelvic, LEFT, 0))
    ((warning,), _notes) = remarks(choice)
    assert "The left kidney lies 60 mm in front of the spine, as a transplanted or a pelvic kidney does" in warning


def test_a_transplant_beside_both_own_kidneys_is_left_out_and_said(abdomen: Abdomen) -> None:
    right, left = (abdomen.add(ellipsoid((44, 38, column), (10, 5, 5)), hu=60.0) for column in (30, 70))
    transplant = abdomen.add(ellipsoid((20, 20, 28), (17, 8.5, 9)), hu=110.0)

    choice = choose(abdomen)

    np.testing.assert_array_equal(choice.labels, np.where(right, RIGHT, np.where(left, LEFT, 0)))
    ((warning,), notes) = remarks(choice)
    assert f"{transplant.sum() * 0.027:.0f} ml and 110 HU on the right" in warning
    assert "looks like a transplanted kidney" in warning
    assert not notes


def test_polycystic_kidneys_are_found_whole_and_said(abdomen: Abdomen) -> None:
    cysts = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=abdomen.hu.shape), 2.0) > -0.01
    kidneys = [ellipsoid((32, 32, column), (28, 13, 13)) for column in (30, 70)]
    for kidney in kidneys:
        abdomen.add(kidney, hu=110.0, probability=0.9)
        abdomen.add(kidney & cysts, hu=10.0, probability=0.9)

    choice = choose(abdomen)

    for label, kidney in zip((RIGHT, LEFT), kidneys, strict=True):
        assert ((choice.labels == label) & kidney).sum() > 0.95 * kidney.sum()
    warnings, notes = remarks(choice)
    assert all(side in one and "as a polycystic" in one for side, one in zip(("right", "left"), warnings, strict=True))
    assert not notes


@pytest.mark.parametrize("lowest", [20, 38])
def test_kidneys_that_the_lower_edge_cuts_are_found(abdomen: Abdomen, lowest: int) -> None:
    abdomen.add(right_kidney())
    abdomen.add(left_kidney())
    choice = choose_kidneys(abdomen.probability[lowest:], abdomen.hu[lowest:], SPACING)
    assert set(choice.kidneys) == {RIGHT, LEFT}


def test_a_kidney_in_a_view_of_one_flank_keeps_its_side(abdomen: Abdomen) -> None:
    abdomen.add(left_kidney())
    flank = (slice(None), slice(None), slice(44, None))
    labels = choose_kidneys(abdomen.probability[flank], abdomen.hu[flank], SPACING).labels
    assert set(np.unique(labels)) == {0, LEFT}


def test_dense_urine_does_not_pass_for_the_spine(abdomen: Abdomen) -> None:
    kidney = abdomen.add(right_kidney())
    abdomen.hu[ellipsoid((31, 38, 32), (12, 5, 4))] = 900.0
    view = (slice(None), slice(None), slice(0, 62))
    labels = choose_kidneys(abdomen.probability[view], abdomen.hu[view], SPACING).labels
    np.testing.assert_array_equal(labels == RIGHT, kidney[view])


def test_a_full_bladder_is_no_kidney_however_large(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney((40, 38, 70)))
    abdomen.add(ellipsoid((10, 24, 52), (9, 16, 16)), hu=8.0)
    np.testing.assert_array_equal(choose(abdomen).labels, np.where(kidney, LEFT, 0))


def test_a_piece_outside_the_body_is_no_kidney_however_large(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney())
    air = ellipsoid((32, 3, 88), (28, 8, 9))
    abdomen.probability[air] = 0.95
    np.testing.assert_array_equal(choose(abdomen).labels, np.where(kidney, LEFT, 0))


def test_a_kidney_is_found_in_a_crop_of_one_flank_whose_only_bone_is_a_rib(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney())
    columns = slice(int(np.flatnonzero(kidney.any(axis=(0, 1)))[0]) - 5, None)
    hu, probability = (volume[..., columns].copy() for volume in (abdomen.hu, abdomen.probability))
    hu[:, -12:-8, 6:14] = 400.0
    hu[::2, -12:-8, 6:14] = 40.0
    hu[:, -12:-8, 6:14][hu.shape[0] // 2 :] = 40.0

    labels = choose_kidneys(probability, hu, SPACING).labels

    np.testing.assert_array_equal(labels > 0, kidney[..., columns])
