"""The file `recipe.json` of a training's folder: everything that decides the weights.

A folder holds one training. More steps of the same recipe continue it; another recipe is refused, because the
checkpoints there are not of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.training import checkpoints
from NephroSynthLib.training.learning_curve import EVENTS, TABLE
from NephroSynthLib.training.order import TrainingOrder
from NephroSynthLib.training.pool import CasePool
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.record import HOURS

RECIPE = "recipe.json"

FOLLOWING = ("steps", "warm_up", "decay")
"""Fields of a plan that follow from its steps, which may grow."""

Content = Mapping[str, JsonValue]


def content(order: TrainingOrder, recipe: Recipe, pool: CasePool, start: ModelBundle | None) -> Content:
    """Returns everything that decides the weights of a training, as JSON.

    Args:
        order: The training that the user wants.
        recipe: The model with its configuration.
        pool: The cases to train on. Those that the order does not simulate are listed.
        start: The bundle whose weights the training begins with.
    """
    simulated = {pool.path(seed).name for seed in order.seeds}
    plan = {name: value for name, value in asdict(order.plan).items() if name not in FOLLOWING}
    return {
        "task": recipe.task,
        "method": recipe.method,
        "configuration": recipe.configuration.model_dump(mode="json"),
        **plan,
        "exams": order.exams,
        "anatomies": order.anatomies and AnatomyFolder(order.anatomies).digests,
        "cases given": [path.stem for path in pool.ready() if path.name not in simulated],
        "start from": None if start is None else {"name": start.metadata.name, "sha256": start.sha256},
        "steps": [order.steps],
    }


def agree(folder: Path, wanted: Content) -> Content:
    """Returns the recipe to write into a folder: the wanted one, with the steps of earlier calls before its own.

    Raises:
        UsageError: The folder holds a training by another recipe, or one of more steps.
    """
    file = folder / RECIPE
    if not file.exists():
        if (folder / checkpoints.FOLDER).exists():
            raise UsageError(f"{folder} holds a training without {RECIPE}.", Action.RESTART_TRAINING)
        return wanted
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        steps = [int(step) for step in found["steps"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is damaged.", Action.RESTART_TRAINING) from error
    target = int(wanted["steps"][0])  # type: ignore[arg-type, index]
    differences = list(_differences(found, json.loads(json.dumps(wanted))))
    if target < steps[-1]:
        differences.append(f"steps was {steps[-1]}, is {target}")
    if differences:
        raise UsageError(f"{folder} holds another training: {'; '.join(differences)}.", Action.RESTART_TRAINING)
    return {**wanted, "steps": [*steps, target] if target > steps[-1] else [*steps]}


def write(folder: Path, recipe: Content) -> None:
    """Writes a recipe into a folder."""
    with staged_file(folder / RECIPE) as temporary:
        temporary.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


def forget(folder: Path) -> None:
    """Removes an earlier training from a folder: recipe, checkpoints, learning curve and hours. Cases stay."""
    for name in (checkpoints.FOLDER, EVENTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (TABLE, HOURS, RECIPE):
        (folder / name).unlink(missing_ok=True)


def _differences(found: Content, wanted: Content) -> Iterator[str]:
    for name, value in wanted.items():
        before = found.get(name)
        if name == "steps" or before == value:
            continue
        if name == "cases given" and isinstance(before, list) and isinstance(value, list):
            yield f"it had {len(before)} cases besides simulated ones, now {len(value)}, not all the same"
        elif name == "anatomies":
            yield "other label maps of patients"
        elif name == "start from":
            yield f"it started from {_start(before)}, not from {_start(value)}"
        elif isinstance(value, dict):
            yield f"another {name}"
        else:
            yield f"{name.replace('_', ' ')} was {before}, is {value}"


def _start(value: JsonValue) -> str:
    return f"{value['name']} ({str(value['sha256'])[:12]})" if isinstance(value, dict) else "new weights"
