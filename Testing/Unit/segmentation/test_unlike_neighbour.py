from __future__ import annotations

import numpy as np
import pytest
from Unit.segmentation.abdomen import KIDNEY_HU, SPACING, Abdomen, ellipsoid, left_kidney, right_kidney

from NephroSynthLib.segmentation.kidney_pair import choose_kidneys
from NephroSynthLib.segmentation.unlike_neighbour import bright_neighbour, fluid_neighbour

COLON = ellipsoid((26, 28, 76), (10, 8, 8)) & ~left_kidney()
PHASES = {"non-contrast": 30.0, "nephrographic": 130.0, "excretory": 80.0}


@pytest.mark.parametrize("hu", PHASES.values(), ids=PHASES.keys())
def test_bowel_with_positive_contrast_that_touches_a_kidney_is_left_out(abdomen: Abdomen, hu: float) -> None:
    right, left = abdomen.add(right_kidney(), hu), abdomen.add(left_kidney(), hu)
    abdomen.add(COLON, hu + 110)
    abdomen.hu[COLON] += np.random.default_rng(2).normal(0, 45, int(COLON.sum()))

    labels = choose_kidneys(abdomen.probability, abdomen.hu, SPACING).labels

    assert (labels[COLON] > 0).mean() < 0.1
    assert (labels[left] == 2).mean() > 0.97
    assert (labels[right] == 1).all()


@pytest.mark.parametrize("brighter", [150.0, 900.0], ids=["dilute urine", "stone"])
def test_excreted_contrast_and_stones_inside_a_kidney_stay(abdomen: Abdomen, brighter: float) -> None:
    kidney = abdomen.add(left_kidney())
    abdomen.hu[ellipsoid((33, 38, 67), (8, 4, 4))] = KIDNEY_HU + brighter
    assert bright_neighbour(abdomen.hu, kidney, SPACING) is None


def test_dense_urine_stays_in_a_kidney_whose_bright_neighbour_goes(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney())
    abdomen.add(COLON, KIDNEY_HU + 110)
    urine = ellipsoid((38, 40, 69), (6, 3, 3))
    abdomen.hu[urine] = KIDNEY_HU + 400

    bright = bright_neighbour(abdomen.hu, kidney | COLON, SPACING)

    assert bright is not None
    assert bright[COLON].mean() > 0.9
    assert not bright[urine].any()


def test_an_exophytic_cyst_stays(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney(), 150.0)
    cyst = abdomen.add(ellipsoid((26, 28, 76), (8, 8, 8)) & ~kidney, 10.0)
    assert bright_neighbour(abdomen.hu, kidney | cyst, SPACING) is None


def test_cortex_and_medulla_stay_together(abdomen: Abdomen) -> None:
    kidney = abdomen.add(left_kidney(), 190.0)
    abdomen.hu[ellipsoid((33, 38, 70), (15, 6, 5.5))] -= 110.0
    assert bright_neighbour(abdomen.hu, kidney, SPACING) is None


def test_a_part_of_a_stomach_full_of_water_that_joins_an_enhanced_kidney_is_left_out(abdomen: Abdomen) -> None:
    right, left = abdomen.add(right_kidney()), abdomen.add(left_kidney())
    stomach = ellipsoid((33, 20, 70), (20, 16, 18)) & ~left
    abdomen.add(stomach, 10.0, probability=0.2)
    taken = stomach & ellipsoid((33, 28, 70), (15, 9, 9))
    abdomen.probability[taken] = 0.9

    labels = choose_kidneys(abdomen.probability, abdomen.hu, SPACING).labels

    assert (labels[taken] > 0).mean() < 0.1
    assert (labels[left] == 2).mean() > 0.97
    assert (labels[right] == 1).all()


def test_a_large_cyst_in_fat_stays_and_so_does_fluid_beside_an_unenhanced_kidney(abdomen: Abdomen) -> None:
    cyst = ellipsoid((26, 24, 74), (11, 11, 11)) & ~left_kidney()
    for kidney_hu in (KIDNEY_HU, 32.0):
        kidney = abdomen.add(left_kidney(), kidney_hu)
        abdomen.add(cyst, 10.0)
        if kidney_hu < KIDNEY_HU:
            abdomen.hu[ellipsoid((26, 20, 74), (20, 16, 18)) & ~(kidney | cyst)] = 10.0
        assert fluid_neighbour(abdomen.hu, kidney | cyst, SPACING, found=kidney | cyst) is None
