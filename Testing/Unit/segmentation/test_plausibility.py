from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate
from Unit.segmentation.abdomen import SPACING, Abdomen, left_kidney, right_kidney

from NephroSynthLib.segmentation.pieces import Piece, Scan, find_pieces
from NephroSynthLib.segmentation.plausibility import (
    AHEAD_MM,
    ELONGATION,
    LATERAL_MM,
    LEFT_BEHIND_MM,
    LOG_ML,
    LOG_RATIO,
    Prior,
    hu_weight,
    kidney_weight,
    pair_weight,
)

SHAPES = Path(__file__).parents[4] / "shared/data/kidney_shapes.json"


@pytest.fixture
def pair(abdomen: Abdomen) -> tuple[Piece, Piece]:
    abdomen.add(right_kidney())
    abdomen.add(left_kidney())
    right, left = sorted(find_pieces(Scan(abdomen.probability, abdomen.hu, SPACING)), key=lambda one: one.lateral_mm)
    return right, left


def test_the_weight_is_the_logarithm_of_a_ratio_of_densities() -> None:
    prior = Prior(10.0, 2.0, 100.0, 0.1)
    mass, _ = integrate.quad(lambda value: math.exp(prior.weight(value)) / prior.span, -40, 60, points=[4, 10, 16])
    assert mass == pytest.approx(1.0, rel=1e-3)
    assert prior.weight(1e6) == pytest.approx(math.log(0.1))


def test_a_bound_never_speaks_for_a_kidney() -> None:
    prior = Prior(10.0, 2.0, 100.0)
    assert prior.weight_above(-5.0) == 0.0
    assert prior.weight_above(30.0) == prior.weight(30.0) < 0


@pytest.mark.skipif(not SHAPES.is_file(), reason="../shared/data/kidney_shapes.json is not there")
def test_the_priors_cover_the_real_kidneys_that_they_cite() -> None:
    kidneys = [case["kidneys"] for case in json.loads(SHAPES.read_text(encoding="utf-8"))]
    sound = [one for pair in kidneys for one in pair if one["tumour_ml"] < 30]

    def share(prior: Prior, values: list[float]) -> float:
        return float(np.mean(np.abs(np.array(values) - prior.mean) < 2 * prior.deviation))

    axes = [sorted(one["axes_mm"]) for one in sound]
    assert share(LOG_ML, [math.log(one["volume_ml"]) for one in sound]) > 0.95
    assert share(ELONGATION, [length / (width * depth) ** 0.5 for depth, width, length in axes]) > 0.95
    assert share(LATERAL_MM, [abs(a["centre_mm"][0] - b["centre_mm"][0]) / 2 for a, b in kidneys]) > 0.95
    assert share(LEFT_BEHIND_MM, [a["centre_mm"][1] - b["centre_mm"][1] for a, b in kidneys]) > 0.9
    healthy = [[one["volume_ml"] - one["tumour_ml"] for one in pair] for pair in kidneys]
    assert share(LOG_RATIO, [math.log(a / b) for a, b in healthy]) > 0.9


@pytest.mark.parametrize(
    "odd",
    [
        {"hu": 5.0},
        {"ahead_mm": 70.0},
        {"lateral_mm": 125.0},
        {"ml": 1500.0},
        {"axes_mm": (90.0, 90.0, 95.0)},
        {"upright": 0.2},
        {"continued": 0.5},
        {"lung": 0.3},
        {"probability": 0.6},
    ],
)
def test_each_odd_measurement_costs_something_and_no_single_one_decides(
    pair: tuple[Piece, Piece], odd: dict[str, object]
) -> None:
    usual = kidney_weight(pair[0])
    assert 0 < kidney_weight(replace(pair[0], **odd)) < usual - 1  # type: ignore[arg-type]


def test_a_kidney_without_a_spine_in_view_is_judged_by_the_rest(pair: tuple[Piece, Piece]) -> None:
    known = kidney_weight(pair[0]) - AHEAD_MM.weight(pair[0].ahead_mm or 0.0)
    assert kidney_weight(replace(pair[0], ahead_mm=None)) == pytest.approx(known)


def test_a_small_part_in_view_costs_nothing_for_its_size_and_shape(pair: tuple[Piece, Piece]) -> None:
    part = replace(pair[0], cut=True)
    assert kidney_weight(replace(part, ml=12.0, upright=0.1)) == pytest.approx(kidney_weight(part))


def test_a_pair_that_is_alike_supports_each_other_and_an_unlike_one_does_not(
    pair: tuple[Piece, Piece],
) -> None:
    right, left = pair
    height, depth, lateral = left.centre_mm
    stomach = replace(left, hu=10.0, ml=400.0, centre_mm=(height + 90, depth - 60, lateral))
    assert pair_weight(right, left) > 4
    assert pair_weight(right, stomach) < -4


def test_unenhanced_and_enhanced_parenchyma_outweigh_fluid() -> None:
    assert min(hu_weight(30.0), hu_weight(90.0), hu_weight(180.0)) > 0
    assert max(hu_weight(5.0), hu_weight(12.0)) < -1.5
