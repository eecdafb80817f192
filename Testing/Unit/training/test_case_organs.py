from __future__ import annotations

import numpy as np

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.training.case_organs import NAMES, organ_masks

KIDNEYS = np.array([[[0, 1, 2, 2]]], np.uint8)


def test_a_simulated_exam_tells_its_organs() -> None:
    shares = np.zeros((len(COMPARTMENTS), 1, 1, 4), np.uint8)
    shares[COMPARTMENTS.index("cortex"), 0, 0] = [0, 255, 100, 240]
    masks = organ_masks({"kidneys": KIDNEYS, "nephrographic_shares": shares})
    assert masks["cortex"][0, 0].tolist() == [False, True, False, True]
    assert masks["left kidney"][0, 0].tolist() == [False, False, True, True]
    assert set(masks) == {"right kidney", "left kidney", *NAMES.values()}
    assert set(NAMES) < set(COMPARTMENTS)


def test_a_case_of_a_cohort_knows_its_kidneys() -> None:
    assert set(organ_masks({"kidneys": KIDNEYS})) == {"right kidney", "left kidney"}
