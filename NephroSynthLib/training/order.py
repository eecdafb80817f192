"""The order of a training: which model, on which exams, for how long."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib import options
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.models.bundle import SEGMENTER, SUFFIX, Task

HELD_OUT = range(800_000, 800_008)
"""Seeds of simulated exams that judge models and that no training draws from."""
DEFAULT_METHODS: Mapping[Task, str] = {"segmentation": SEGMENTER, "synthesis": "dssnict", "generation": "mt-ddpm"}
"""The method that is trained for a task where none is named."""


@dataclass(frozen=True)
class TrainingOrder:
    """Which model to train, on which exams, and for how long.

    Attributes:
        task: The stage that the model serves.
        folder: Takes the cases, checkpoints and the bundle; training draws from all cases that lie there.
        method: Name of the synthesis method or of the generator; None takes that of `DEFAULT_METHODS`. Segmentation has
            one method, which needs no name.
        steps: Optimizer steps.
        exams: Simulated exams to have, seeds `seed` * 1000 onwards; 0 simulates none.
        seed: Seed of exams, weights, crops and noise.
        batch_size: Crops of a step.
        learning_rate: The highest learning rate.
        preparers: Processes that prepare exams.
        anatomies: Folder with label maps of real patients, which drive a part of the exams; None draws all patients.
        start_from: Name or path of a bundle whose weights training begins with; None begins with random ones.
        name: Name of the bundle; empty takes the folder's name.
        device: Device of the network, as in `resolve_device`.
        restart: Whether another training in the folder is removed; without it, it is an error.
        shared: Folder of the cases, where several trainings share them; None is `folder`.
        judges: Held-out exams that judge the finished model, at most; the pool of a cohort may hold fewer.
    """

    task: Task
    folder: Path
    method: str | None = options.METHOD.default
    steps: int = options.TRAINING_STEPS.default
    exams: int = options.TRAINING_EXAMS.default
    seed: int = options.TRAINING_SEED.default
    batch_size: int = options.BATCH_SIZE.default
    learning_rate: float = options.LEARNING_RATE.default
    preparers: int = options.PREPARERS.default
    anatomies: Path | None = None
    start_from: str | None = None
    name: str = options.BUNDLE_NAME.default
    device: str = options.DEVICE.default
    restart: bool = options.RESTART.default
    shared: Path | None = None
    judges: int = len(HELD_OUT)

    @property
    def chosen_method(self) -> str:
        """The name of the method that is trained."""
        return self.method or DEFAULT_METHODS[self.task]

    @property
    def exams_folder(self) -> Path:
        """The folder with the folders `cases` and `held-out`."""
        return self.shared or self.folder

    @property
    def seeds(self) -> range:
        """Seeds of the simulated exams to train on."""
        return range(self.seed * 1000, self.seed * 1000 + self.exams)

    @property
    def bundle(self) -> Path:
        """The file of the bundle, whose stem is the model's name."""
        return self.folder / f"{self.name or self.folder.resolve().name}{SUFFIX}"

    @property
    def command(self) -> str:
        """The command that gives this order, without folders, whose names may tell about persons."""
        flags = {
            "method": None if self.task == "segmentation" else self.chosen_method,
            "out": self.folder.name,
            "steps": self.steps,
            "exams": self.exams,
            "seed": self.seed,
            "batch-size": self.batch_size,
            "learning-rate": f"{self.learning_rate:g}",
            "anatomies": None if self.anatomies is None else self.anatomies.resolve().name,
            "start-from": None if self.start_from is None else Path(self.start_from).name,
            "name": self.name or None,
        }
        given = [f"--{name} {shlex.quote(str(value))}" for name, value in flags.items() if value is not None]
        return " ".join(["nephrosynth train", self.task, *given])

    @property
    def plan(self) -> TrainingPlan:
        """The plan of the training loop; in a short training, the warm-up and the moving average span a tenth of it."""
        return TrainingPlan(
            self.steps,
            self.batch_size,
            self.learning_rate,
            warm_up=min(TrainingPlan.warm_up, max(1, self.steps // 10)),
            decay=max(0.0, min(TrainingPlan.decay, 1 - 10 / self.steps)),
            seed=self.seed,
        )
