from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from NephroSynthLib.phases.evidence import PHASES, Evidence, Phase
from NephroSynthLib.phases.pixel_evidence import Comparison
from NephroSynthLib.phases.scoring import Pair, pair_weights, phase_probabilities

weights = st.dictionaries(st.sampled_from(PHASES), st.floats(-4, 4))


def _evidence(values: dict[Phase, float]) -> list[Evidence]:
    return [Evidence("image", "", values)]


def test_one_acquisition_has_the_normalized_product_of_its_evidence() -> None:
    values = {Phase.NONCONTRAST: 1.0, Phase.EXCRETORY: -0.5}
    twice = phase_probabilities([_evidence(values) + _evidence(values)], [])[0]
    none = phase_probabilities([[]], [])[0]
    expected = none * np.exp([2 * values.get(phase, 0.0) for phase in PHASES])
    np.testing.assert_allclose(twice, expected / expected.sum())


@settings(max_examples=25, deadline=None)
@given(st.lists(weights, min_size=1, max_size=4), st.randoms())
def test_the_order_of_the_acquisitions_does_not_matter(values: list[dict[Phase, float]], shuffler: object) -> None:
    comparison = Comparison(gain=60.0, wide_gain=50.0, wide_loss=10.0, breadth=0.9, urine=0.2, urine_ml=1.0)
    pairs = [Pair(0, 1, comparison)] if len(values) > 1 else []
    result = phase_probabilities([_evidence(one) for one in values], pairs)
    order = list(range(len(values)))
    shuffler.shuffle(order)  # type: ignore[attr-defined]
    moved = [Pair(order.index(0), order.index(1), comparison)] if pairs else []
    shuffled = phase_probabilities([_evidence(values[index]) for index in order], moved)
    np.testing.assert_allclose(result.sum(axis=1), 1)
    np.testing.assert_allclose(shuffled, result[order], atol=1e-12)


def test_turning_a_comparison_around_transposes_its_weights() -> None:
    for kidney_gain in (None, 60.0):
        forth = pair_weights(Comparison(80.0, 70.0, 12.0, 0.8, -1.1, 2.0, kidney_gain))
        back = pair_weights(Comparison(-80.0, 12.0, 70.0, 0.8, 1.1, 2.0, kidney_gain and -kidney_gain))
        np.testing.assert_allclose(forth, back.T)


def test_moved_contrast_in_the_bowel_does_not_outweigh_the_kidneys() -> None:
    """As in an exam in which bowel of 240 HU lay elsewhere in the second image, with enhanced kidneys."""
    bowel = Comparison(gain=66.0, wide_gain=70.0, wide_loss=15.0, breadth=0.9, urine=0.0, urine_ml=1.0)
    seen = replace(bowel, kidney_gain=-90.0)
    one = PHASES.index(Phase.NONCONTRAST), PHASES.index(Phase.NEPHROGRAPHIC)
    for comparison, brighter_first in ((bowel, True), (seen, False)):
        weights = pair_weights(comparison)
        assert (weights[one[::-1]] > weights[one]) == brighter_first


@pytest.mark.parametrize(
    ("comparison", "phases"),
    [
        (Comparison(125.0, 115.0, 4.0, 0.9, 0.2, 1.0), (Phase.NEPHROGRAPHIC, Phase.NONCONTRAST)),
        (Comparison(50.0, 45.0, 4.0, 0.85, 2.0, 15.0), (Phase.EXCRETORY, Phase.NONCONTRAST)),
        (Comparison(65.0, 70.0, 12.0, 0.85, -1.5, 1.0), (Phase.NEPHROGRAPHIC, Phase.EXCRETORY)),
        (Comparison(190.0, 105.0, 3.0, 0.6, 0.0, 0.0), (Phase.CORTICOMEDULLARY, Phase.NONCONTRAST)),
        (Comparison(60.0, 35.0, 60.0, 0.6, 0.0, 0.0), (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC)),
    ],
)
def test_typical_comparisons_find_their_pair(comparison: Comparison, phases: tuple[Phase, Phase]) -> None:
    best = np.unravel_index(pair_weights(comparison).argmax(), (len(PHASES),) * 2)
    assert tuple(PHASES[index] for index in best) == phases
