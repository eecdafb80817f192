"""Training a model from nothing to a bundle: prepare, fit, evaluate on held-out exams, write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import JsonValue
from torch import Tensor

from NephroSynthLib.errors import Action, ModelError, UsageError
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.files.staging import check_space
from NephroSynthLib.generators.roster import generator_class
from NephroSynthLib.methods.registry import trainable_method
from NephroSynthLib.models.bundle import SUFFIX, BundleMetadata, ModelBundle, load_bundle, save_bundle
from NephroSynthLib.models.device import resolve_device
from NephroSynthLib.training import generation_cases, processes, recipe_file, segmentation_cases, synthesis_cases
from NephroSynthLib.training.loop import OnProgress, fit
from NephroSynthLib.training.order import HELD_OUT, TrainingOrder
from NephroSynthLib.training.pool import CASE_BYTES, CasePool, check_processes
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.record import (
    exams_in_words,
    label_maps,
    own_cases,
    provenance,
    simulated_seeds,
    timed,
)
from NephroSynthLib.training.validation import Validation

FIRST_CASES = 12
FITTED = 0.97
"""The share of the progress bar that the optimizer steps take; the evaluation takes the rest."""
VALIDATED = 4
VALIDATION_CROPS = 16


class Trained(NamedTuple):
    """The outcome of a training.

    Attributes:
        bundle: The bundle's path.
        warnings: Doubts that the user must weigh.
    """

    bundle: Path
    warnings: list[str]


def train(order: TrainingOrder, on_progress: OnProgress) -> Trained:
    """Trains a model on simulated exams and writes its bundle; called again on the same folder, it resumes.

    Training begins as soon as a few exams are prepared, and draws from the others as they come. Label maps of real
    patients drive exams to train on, never those that judge. Processes that torchrun started train together: the
    first one prepares the exams, judges the model and writes; all share the folder.

    Args:
        order: The model, the exams and the steps.
        on_progress: Told the fraction done and the present step; may raise `Cancelled`.

    Raises:
        UsageError: There is nothing to train on, the method cannot be trained, seeds are those of held-out exams, the
            folder holds another training, or a case of another patient; or the processes cannot share the crops of a
            step or the device.
        InputError: The label maps cannot be used.
        ModelError: The bundle to start from cannot be used, or holds another network.
        UnreadableInputError: A case or all checkpoints are damaged.
        ResourceError: Processes cannot share a lock on this system, or the device is not there.
        Cancelled: The user ended the training. The message names the work that is kept.

    Example:
        >>> train(TrainingOrder("synthesis", Path("runs/mine"), exams=40, steps=2000), lambda done, text: None).bundle
        PosixPath('runs/mine/mine.safetensors')
    """
    with processes.together(resolve_device(order.device)):
        return _train(order, on_progress)


def _train(order: TrainingOrder, on_progress: OnProgress) -> Trained:
    _check_seeds(order)
    processes.share(order.batch_size)
    anatomies = _anatomies(order)
    torch.manual_seed(order.seed)
    recipe = _recipe(order)
    start = None if order.start_from is None else _begin_with(recipe, order.start_from)
    make_case = partial(recipe.make_case, anatomies=anatomies) if anatomies else recipe.make_case
    pool = CasePool(order.exams_folder / "cases", make_case)
    held_out = CasePool(order.exams_folder / "held-out", recipe.make_case)
    _check_cases(order, pool, anatomies)
    for cases in (pool, held_out):
        cases.check(recipe.arrays, recipe.task)
    check_processes()
    missing = [seed for seed in order.seeds if not pool.path(seed).exists()]
    check_space(order.exams_folder, CASE_BYTES * len(missing))
    if processes.is_first():
        wanted = recipe_file.content(order, recipe, pool, start)
        if order.restart:
            recipe_file.forget(order.folder)
        recipe_file.write(order.folder, recipe_file.agree(order.folder, wanted))
    own = len(own_cases(pool))
    processes.wait_for_all()
    warnings = _fit_while_exams_come(order, recipe, pool, held_out, on_progress)
    if processes.is_first():
        judges = held_out.part(held_out.ready()[: order.judges])
        results: dict[str, JsonValue] = {"held_out": _judged(judges), **_evaluate(recipe, judges, on_progress)}
        maps = label_maps(pool, anatomies.source if anatomies else "")
        nobody = "; no CT of a patient" if maps else "; no patient data"
        trained = exams_in_words(simulated_seeds(pool), own) + ("" if own else nobody)
        record = provenance(order.folder, trained, order.command, order.seed, order.steps, start) | maps
        _write(order.bundle, recipe, record, results)
        on_progress(1.0, "bundle written")
    processes.wait_for_all()
    return Trained(order.bundle, warnings)


def _fit_while_exams_come(
    order: TrainingOrder, recipe: Recipe, pool: CasePool, held_out: CasePool, on_progress: OnProgress
) -> list[str]:
    """Trains the recipe's network while the first process prepares exams; returns warnings."""
    judges = HELD_OUT[: order.judges] if order.exams or simulated_seeds(pool) else ()
    prepared: tuple[Iterable[int], Iterable[int]] = (judges, order.seeds) if processes.is_first() else ((), ())
    clock = timed(order.folder) if processes.is_first() else nullcontext()
    with clock, held_out.filling(prepared[0], 1), pool.filling(prepared[1], order.preparers):
        _wait_for(pool, min(FIRST_CASES, order.exams), on_progress)
        _wait_for(held_out, min(VALIDATED, len(judges)), on_progress)
        return _fit(order, recipe, pool, held_out, on_progress)


def _wait_for(pool: CasePool, count: int, on_progress: OnProgress) -> None:
    pool.wait_for(count, lambda ready: on_progress(0.0, f"{ready} of {count} first exams prepared"))


def _fit(
    order: TrainingOrder, recipe: Recipe, pool: CasePool, held_out: CasePool, on_progress: OnProgress
) -> list[str]:
    """Trains the recipe's network; returns warnings."""
    module = recipe.training_module(order.plan)
    _, warnings = fit(
        module,
        recipe.draw_from(pool),
        order.plan,
        order.folder,
        lambda done, text: on_progress(FITTED * done, text),
        validation=_validation(recipe, held_out),
        device=order.device,
    )
    return warnings


def _validation(recipe: Recipe, held_out: CasePool) -> Validation | None:
    """Returns a validation on fixed crops of held-out cases and on a few whole ones; None where none is held out."""
    cases = held_out.ready()[:VALIDATED]
    if not cases:
        return None
    draw = recipe.draw_from(held_out.part(cases))
    samples = [draw(np.random.default_rng(number)) for number in range(VALIDATION_CROPS)]
    return Validation(samples, lambda: recipe.evaluate(held_out.part(cases)))


def _evaluate(recipe: Recipe, held_out: CasePool, on_progress: OnProgress) -> Mapping[str, float]:
    cases = held_out.ready()

    def tell(index: int) -> None:
        done = FITTED + (1 - FITTED) * index / len(cases)
        on_progress(done, f"evaluating on held-out exam {index + 1} of {len(cases)}")

    return recipe.evaluate(held_out.part(cases, tell))


def _judged(held_out: CasePool) -> str:
    simulated, own = simulated_seeds(held_out), len(own_cases(held_out))
    return exams_in_words(simulated, own) or "none; no exam was held out"


def _check_seeds(order: TrainingOrder) -> None:
    if order.exams and order.seeds.stop > HELD_OUT.start:
        raise UsageError(
            f"Exams of seeds from {HELD_OUT.start} on are held out; no training uses them.", Action.CHOOSE_SEED
        )


def _anatomies(order: TrainingOrder) -> AnatomyFolder | None:
    if order.anatomies is None:
        return None
    folder = AnatomyFolder(order.anatomies)
    folder.check(order.seeds)
    return folder


def _check_cases(order: TrainingOrder, pool: CasePool, anatomies: AnatomyFolder | None) -> None:
    if not order.exams and not pool.ready():
        raise UsageError(f"{pool.folder} holds no prepared exam to train on.", Action.PREPARE_EXAMS)
    for path, seed in ((pool.path(seed), seed) for seed in order.seeds):
        if path.exists() and pool.anatomy(path) != (anatomies.name(seed) if anatomies else ""):
            raise UsageError(f"The case {path} is not of the patient that its seed chooses.", Action.REMOVE_CASE)


def _recipe(order: TrainingOrder) -> Recipe:
    if order.task == "segmentation":
        return segmentation_cases.recipe()
    if order.task == "generation":
        return generation_cases.recipe(generator_class(order.chosen_method).untrained())
    return synthesis_cases.recipe(trainable_method(order.chosen_method).untrained())


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


def _write(path: Path, recipe: Recipe, training: dict[str, JsonValue], results: dict[str, JsonValue]) -> None:
    metadata = BundleMetadata(
        name=path.name.removesuffix(SUFFIX),
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
    save_bundle(path, recipe.network.state_dict(), metadata)
    path.with_suffix(".json").write_text(json.dumps(metadata.model_dump(mode="json"), indent=2), "utf-8")
