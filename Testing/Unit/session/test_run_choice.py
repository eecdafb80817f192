"""The reasons why a run cannot start."""

from __future__ import annotations

from typing import Any

import pytest

from NephroSynthLib.session.run_choice import RunChoice, RunProblem

BOTH = {"noncontrast": "A", "excretory": "B", "nephrographic": None}


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"inputs": {}}, RunProblem.NO_NONCONTRAST),
        ({"inputs": {"noncontrast": None, "excretory": "B"}}, RunProblem.NO_NONCONTRAST),
        ({"inputs": {"noncontrast": "A"}}, RunProblem.NO_EXCRETORY),
        ({"inputs": {**BOTH, "excretory": "A"}}, RunProblem.SAME_PHASE_TWICE),
        ({"inputs": {**BOTH, "nephrographic": "A"}}, RunProblem.SAME_PHASE_TWICE),
        ({"inputs": BOTH}, None),
        ({"inputs": BOTH, "landmarks": (3, 3)}, None),
        ({"inputs": BOTH, "landmarks": (3, 4)}, RunProblem.LANDMARKS_NOT_PAIRED),
        ({"inputs": BOTH, "landmarks": (3, None)}, RunProblem.LANDMARKS_NOT_PAIRED),
        ({"inputs": BOTH, "kidneys": "K", "outputs": ["C", "D"]}, None),
        ({"inputs": BOTH, "outputs": ["A"]}, RunProblem.OUTPUT_NOT_SEPARATE),
        ({"inputs": BOTH, "outputs": ["C", "C"]}, RunProblem.OUTPUT_NOT_SEPARATE),
        ({"inputs": BOTH, "kidneys": "K", "outputs": ["K"]}, RunProblem.OUTPUT_NOT_SEPARATE),
        ({"inputs": BOTH, "kidneys": "A"}, RunProblem.OUTPUT_NOT_SEPARATE),
        ({"inputs": BOTH, "transform": "T", "parents": {"S", "T"}}, RunProblem.INPUT_UNDER_OUTPUT_TRANSFORM),
        ({"inputs": BOTH, "transform": "T", "parents": {"S"}}, None),
        ({"inputs": BOTH, "parents": {"S"}}, None),
    ],
)
def test_the_first_problem_is_told(choice: dict[str, Any], problem: RunProblem | None) -> None:
    assert RunChoice(**choice).problem() is problem
