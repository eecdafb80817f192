from __future__ import annotations

from dataclasses import asdict

import numpy as np

from NephroSynthLib.kinetics.kinetic_parameters import exam_of
from NephroSynthLib.kinetics.priors import draw_many


def test_one_of_many_draws_is_an_exam_with_plain_numbers() -> None:
    draws = draw_many(np.random.default_rng(0), np.array([200.0, 400.0]), np.array([60.0, 90.0]))
    exam = exam_of(draws, 1)
    assert (exam.parenchyma_ml, exam.weight_kg) == (400.0, 90.0)
    assert {type(value) for value in asdict(exam).values()} == {float}
    assert asdict(exam) == {name: values[1] for name, values in vars(draws).items()}
