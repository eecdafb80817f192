"""Training a model from nothing to a bundle: prepare, fit, evaluate on held-out exams, write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import JsonValue
from torch import Tensor

from NephroSynthLib import options
from NephroSynthLib.errors import Action, ModelError, UsageError
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.registry import trainable_method
from NephroSynthLib.models.bundle import SUFFIX, BundleMetadata, ModelBundle, Task, load_bundle, save_bundle
from NephroSynthLib.training import segmentation_cases, synthesis_cases
from NephroSynthLib.training.loop import OnProgress, fit
from NephroSynthLib.training.pool import CasePool, check_processes
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.record import exams_in_words, own_cases, provenance, simulated_seeds, timed

FIRST_CASES = 12
HELD_OUT = range(800_000, 800_008)


@dataclass(frozen=True)
class TrainingOrder:
    """Which model to train, on what, and for how long.

    Attributes:
        task: The stage that the model serves.
        folder: Takes the cases, checkpoints and the bundle; training draws from all cases that lie there.
        method: Name of the synthesis method; segmentation has one method, which needs no name.
        steps: Optimizer steps.
        exams: Simulated exams to have, seeds `seed` * 1000 onwards; 0 simulates none.
        seed: Seed of exams, weights, crops and noise.
        batch_size: Crops of a step.
        learning_rate: The highest learning rate.
        preparers: Processes that prepare exams.
        start_from: Name or path of a bundle whose weights training begins with; None begins with random ones.
    """

    task: Task
    folder: Path
    method: str = options.METHOD.default
    steps: int = options.TRAINING_STEPS.default
    exams: int = options.TRAINING_EXAMS.default
    seed: int = options.TRAINING_SEED.default
    batch_size: int = options.BATCH_SIZE.default
    learning_rate: float = options.LEARNING_RATE.default
    preparers: int = options.PREPARERS.default
    start_from: str | None = None

    @property
    def seeds(self) -> range:
        """Seeds of the simulated exams to train on."""
        return range(self.seed * 1000, self.seed * 1000 + self.exams)

    @property
    def command(self) -> str:
        """The command that gives this order."""
        flags = {
            "method": self.method if self.task == "synthesis" else None,
            "out": self.folder.name,
            "steps": self.steps,
            "exams": self.exams,
            "seed": self.seed,
            "batch-size": self.batch_size,
            "learning-rate": f"{self.learning_rate:g}",
        }
        given = [f"--{name} {value}" for name, value in flags.items() if value is not None]
        return " ".join(["nephrosynth train", self.task, *given])

    @property
    def plan(self) -> TrainingPlan:
        """The plan of the training loop."""
        return TrainingPlan(self.steps, self.batch_size, self.learning_rate, seed=self.seed)


def train(order: TrainingOrder, on_progress: OnProgress) -> Path:
    """Trains a model on simulated exams and writes its bundle; called again on the same folder, it resumes.

    Training begins as soon as a few exams are prepared, and draws from the others as they come.

    Args:
        order: The model, the exams and the steps.
        on_progress: Told the fraction done and the present step.

    Returns:
        The bundle's path.

    Raises:
        UsageError: There is nothing to train on, the method cannot be trained, or seeds are those of held-out exams.
        ModelError: The bundle to start from cannot be used, or holds another network.
        ResourceError: Processes cannot share a lock on this system.

    Example:
        >>> train(TrainingOrder("synthesis", Path("runs/mine"), exams=40, steps=2000), lambda done, text: None)
        PosixPath('runs/mine/nephrographic-synthesizer.safetensors')
    """
    _check_seeds(order)
    torch.manual_seed(order.seed)
    recipe = _recipe(order)
    start = None if order.start_from is None else _begin_with(recipe, order.start_from)
    pool = CasePool(order.folder / "cases", recipe.make_case)
    held_out = CasePool(order.folder / "held-out", recipe.make_case)
    _check_cases(order, pool)
    check_processes()
    own = len(own_cases(pool))
    judges = HELD_OUT if order.exams or simulated_seeds(pool) else ()
    with timed(order.folder), held_out.filling(judges, 1), pool.filling(order.seeds, order.preparers):
        _fit(order, recipe, pool, on_progress)
        held_out.wait_for(len(judges))
    on_progress(1.0, "evaluating on held-out exams")
    judged = exams_in_words(judges, len(own_cases(held_out)))
    trained = exams_in_words(simulated_seeds(pool), own) + ("" if own else "; no patient data")
    record = provenance(order.folder, trained, order.command, order.seed, order.steps, start)
    return _write(order.folder, recipe, record, {"held_out": judged, **recipe.evaluate(held_out)})


def _fit(order: TrainingOrder, recipe: Recipe, pool: CasePool, on_progress: OnProgress) -> None:
    on_progress(0.0, "preparing the first exams")
    pool.wait_for(min(FIRST_CASES, order.exams))
    module, checkpoints = recipe.training_module(order.plan), order.folder / "checkpoints"
    fit(module, recipe.draw_from(pool), order.plan, checkpoints, on_progress)


def _check_seeds(order: TrainingOrder) -> None:
    if order.exams and order.seeds.stop > HELD_OUT.start:
        raise UsageError(
            f"Exams of seeds from {HELD_OUT.start} on are held out; no training uses them.", Action.CHOOSE_SEED
        )


def _check_cases(order: TrainingOrder, pool: CasePool) -> None:
    if not order.exams and not pool.ready():
        raise UsageError(f"{pool.folder} holds no prepared exam to train on.", Action.PREPARE_EXAMS)


def _recipe(order: TrainingOrder) -> Recipe:
    if order.task == "segmentation":
        return segmentation_cases.recipe()
    return synthesis_cases.recipe(trainable_method(order.method).untrained())


def _begin_with(recipe: Recipe, name_or_path: str) -> ModelBundle:
    """Gives a recipe's network the weights of a bundle, and returns the bundle."""
    bundle = load_bundle(name_or_path, recipe.task)
    own = recipe.network.state_dict()
    weights = {name: _widened(tensor, own[name]) if name in own else tensor for name, tensor in bundle.tensors.items()}
    shapes = ({name: tensor.shape for name, tensor in tensors.items()} for tensors in (weights, own))
    if bundle.metadata.method != recipe.method or next(shapes) != next(shapes):
        raise ModelError(
            f"Training cannot start from {name_or_path}: its network is not the one that is trained here.",
            Action.CHOOSE_START,
        )
    recipe.network.load_state_dict(weights)
    return bundle


def _widened(weight: Tensor, wanted: Tensor) -> Tensor:
    """Returns the matrix of a layer for more inputs: zeros for the new ones, which thus count for nothing."""
    if weight.dim() != 2 or wanted.dim() != 2 or weight.shape[1] >= wanted.shape[1]:
        return weight
    return F.pad(weight, (0, wanted.shape[1] - weight.shape[1]))


def _write(folder: Path, recipe: Recipe, training: dict[str, JsonValue], results: dict[str, JsonValue]) -> Path:
    metadata = BundleMetadata(
        name=recipe.name,
        task=recipe.task,
        method=recipe.method,
        title=recipe.title,
        configuration=recipe.configuration.model_dump(mode="json"),
        window_hu=recipe.window_hu,
        normalization=dict(recipe.normalization),
        training=training,
        results=results,
        licence="Apache-2.0",
    )
    path = folder / f"{recipe.name}{SUFFIX}"
    save_bundle(path, recipe.network.state_dict(), metadata)
    path.with_suffix(".json").write_text(json.dumps(metadata.model_dump(mode="json"), indent=2), "utf-8")
    return path
