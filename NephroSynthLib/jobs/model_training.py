"""The jobs `prepare` and `train`: from a cohort or the simulator to a model bundle."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from NephroSynthLib import options
from NephroSynthLib.jobs.inventory import describe
from NephroSynthLib.jobs.request import ComputingRequest, Flag, ManyExamsRequest, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

PreparedTask = Annotated[Literal["segmentation", "synthesis"], Flag(positional=True)]
Task = Annotated[Literal["segmentation", "synthesis", "generation"], Flag(positional=True)]


class PrepareRequest(ManyExamsRequest):
    """Prepares a cohort of one's own for training; called again, it adds the exams that are new."""

    task: PreparedTask = Field(description="Which model is to learn from it; generators take the exams of synthesis.")
    cohort: Path = Field(
        description="Folder with a folder for each exam, or a KiTS data set (Documentation/Training.md)."
    )
    out: Path = Field(description="Folder for the cases; give it to 'train' as --out.")
    held_out: float = field(options.HELD_OUT)


def prepare(request: PrepareRequest, progress: Progress) -> Summary:
    """Prepares the exams of a cohort for training."""
    from NephroSynthLib.engines.engine_choice import engine_of
    from NephroSynthLib.training.cohort_preparation import prepare_cohort

    alone = request.engine == "local" and request.workers == 1
    engine = engine_of(request.engine, request.resources)
    report = prepare_cohort(
        request.task,
        request.cohort,
        request.out,
        held_out_share=request.held_out,
        settings=request.settings,
        engine=None if alone else engine,
        progress=replace(progress, stage_name="read"),
    )
    warnings = [] if report.held_out or not request.held_out else ["No exam is held out, so nothing judges the model."]
    return {**asdict(report), "out": str(request.out), "warnings": warnings}


class TrainRequest(ComputingRequest):
    """Trains a model on simulated exams or those of a cohort; after Ctrl-C, the same command continues the training."""

    task: Task = Field(description="Which model.")
    out: Path = Field(description="Folder for cases, checkpoints and bundle; a training there is resumed.")
    method: str | None = field(options.METHOD)
    steps: int = field(options.TRAINING_STEPS)
    exams: int = field(options.TRAINING_EXAMS)
    seed: int = field(options.TRAINING_SEED)
    batch_size: int = field(options.BATCH_SIZE)
    learning_rate: float = field(options.LEARNING_RATE)
    preparers: int = field(options.PREPARERS)
    anatomies: Path | None = field(options.ANATOMIES)
    start_from: str | None = Field(None, description="Model whose weights to begin with: name or path.")
    name: str = field(options.BUNDLE_NAME)
    restart: bool = field(options.RESTART)

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if value and not re.fullmatch(r"[\w][\w .+-]*", value):
            raise ValueError("must be a name of letters, digits, and any of '_ .+-'")
        return value


def train(request: TrainRequest, progress: Progress) -> Summary:
    """Trains a model, or resumes a training that was ended."""
    from NephroSynthLib.training.order import TrainingOrder
    from NephroSynthLib.training.train import train as train_model

    order = TrainingOrder(
        request.task,
        request.out,
        method=request.method,
        steps=request.steps,
        exams=request.exams,
        seed=request.seed,
        batch_size=request.batch_size,
        learning_rate=request.learning_rate,
        preparers=request.preparers,
        anatomies=request.anatomies,
        start_from=request.start_from,
        name=request.name,
        device=request.settings.device,
        restart=request.restart,
    )
    trained = train_model(order, replace(progress, stage_name="train").update)
    return {"bundle": str(trained.bundle), **describe(trained.bundle), "warnings": trained.warnings}
