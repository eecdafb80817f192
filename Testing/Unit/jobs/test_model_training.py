"""Training jobs refuse cohorts and orders that cannot be carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib import options
from NephroSynthLib.errors import UnreadableInputError, UsageError
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.jobs.model_training import TrainRequest
from NephroSynthLib.progress import Progress


def test_an_empty_cohort_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    arguments = {"task": "synthesis", "cohort": tmp_path / "cohort", "out": tmp_path / "out"}
    with pytest.raises(UnreadableInputError, match="no exam"):
        execute("prepare", arguments, Progress())
    assert not (tmp_path / "out").exists()


def test_a_training_without_exams_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prepared exam"):
        execute("train", {"task": "segmentation", "out": tmp_path / "out", "exams": 0, "steps": 1}, Progress())


def test_defaults_are_those_of_the_options() -> None:
    request = TrainRequest(task="synthesis", out=Path("out"))
    assert (request.steps, request.exams) == (options.TRAINING_STEPS.default, options.TRAINING_EXAMS.default)
    assert request.method == options.METHOD.default
