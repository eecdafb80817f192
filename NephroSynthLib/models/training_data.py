"""The exams that a model learned from, in a sentence, from the record in its bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from pydantic import JsonValue

from NephroSynthLib.errors import ModelError
from NephroSynthLib.files.notice import SIMULATED_TRAINING
from NephroSynthLib.models.bundle import load_bundle

STARTED_FROM = "started_from"
"""The field of a training's record that holds the record of the training before it."""


class TrainingData(Enum):
    """The kind of exams that a model learned from, in all of its trainings together."""

    SIMULATED = "simulated exams only"
    COHORT = "exams of a cohort that its maker prepared"
    UNKNOWN = "exams that are not stated in its bundle"


def training_data(training: Mapping[str, JsonValue]) -> TrainingData:
    """Returns the kind of exams in the record of a training and of the trainings that it continued.

    Args:
        training: The field `training` of a bundle's header.
    """
    stated = [str(record.get("data", "")) for record in _records(training)]
    if any("cohort" in data for data in stated):
        return TrainingData.COHORT
    return TrainingData.SIMULATED if all("simulated" in data for data in stated) else TrainingData.UNKNOWN


def training_notice(used: Mapping[str, tuple[str, str]]) -> str:
    """Returns a sentence about the exams that the models of a result learned from; empty if no model took part.

    Args:
        used: By stage, the name or path of the model and the sha256 of the bundle that was used; an empty sha256 where
            no model took part.
    """
    kinds = {stage: _data_of(*model) for stage, model in used.items() if model[1]}
    if not kinds:
        return ""
    if set(kinds.values()) == {TrainingData.SIMULATED}:
        return SIMULATED_TRAINING
    learned = [f"the model of the {stage} on {kind.value}" for stage, kind in kinds.items()]
    return f"Training: {'; '.join(learned)}."


def _data_of(model: str, sha256: str) -> TrainingData:
    """Returns the kind of exams of a model; unknown if its bundle is gone or is another one by now."""
    try:
        bundle = load_bundle(model)
    except ModelError:
        return TrainingData.UNKNOWN
    return training_data(bundle.metadata.training) if bundle.sha256 == sha256 else TrainingData.UNKNOWN


def _records(training: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    record: JsonValue | Mapping[str, JsonValue] = training
    while isinstance(record, Mapping):
        yield record
        record = record.get(STARTED_FROM)
