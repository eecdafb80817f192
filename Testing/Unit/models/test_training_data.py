"""A result tells the truth about the exams that its models learned from."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.files.notice import SIMULATED_TRAINING
from NephroSynthLib.models.bundle import list_bundles, load_bundle, save_bundle
from NephroSynthLib.models.training_data import TrainingData, training_data, training_notice

SIMULATED = "40 simulated exams, seeds 0 to 39"
COHORT = "12 exams of a cohort of one's own"


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"data": SIMULATED}, TrainingData.SIMULATED),
        ({"data": SIMULATED, "started_from": {"data": SIMULATED}}, TrainingData.SIMULATED),
        ({"data": f"{SIMULATED} and {COHORT}"}, TrainingData.COHORT),
        (
            {"data": SIMULATED, "started_from": {"data": SIMULATED, "started_from": {"data": COHORT}}},
            TrainingData.COHORT,
        ),
        ({"data": SIMULATED, "started_from": {"sha256": "ab"}}, TrainingData.UNKNOWN),
        ({"data": "CT of a hospital"}, TrainingData.UNKNOWN),
        ({}, TrainingData.UNKNOWN),
    ],
)
def test_all_trainings_of_a_model_count(record: dict[str, object], kind: TrainingData) -> None:
    assert training_data(record) is kind


def test_the_bundled_models_learned_from_simulated_exams() -> None:
    used = {name: (name, load_bundle(name).sha256) for name in list_bundles()}
    assert training_notice(used) == SIMULATED_TRAINING


def test_a_model_of_one_s_own_is_not_called_simulated(tmp_path: Path) -> None:
    bundled = load_bundle("nephrographic-synthesizer")
    metadata = bundled.metadata.model_copy(update={"training": {"data": COHORT}})
    path = tmp_path / "own.safetensors"
    save_bundle(path, bundled.tensors, metadata)
    segmenter = ("kidney-segmenter", load_bundle("kidney-segmenter").sha256)
    told = training_notice({"segmentation": segmenter, "synthesis": (str(path), load_bundle(path).sha256)})
    assert "the model of the synthesis on exams of a cohort" in told
    assert "the model of the segmentation on simulated exams only" in told
    assert SIMULATED_TRAINING not in told
    path.unlink()
    assert "not stated" in training_notice({"synthesis": (str(path), "ab" * 32)})


def test_a_part_that_the_user_gave_has_no_training() -> None:
    assert training_notice({"segmentation": ("kidney-segmenter", "")}) == ""
