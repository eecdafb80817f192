"""Training a model from nothing to a bundle: prepare, fit, evaluate on held-out exams, write."""

from __future__ import annotations

import datetime
import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import JsonValue

from NephroSynthLib import __version__
from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.diffusion.losses import Distance
from NephroSynthLib.errors import Action, ModelError, UsageError
from NephroSynthLib.models.bundle import BundleMetadata, ModelBundle, Task, load_bundle, save_bundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig
from NephroSynthLib.training import segmentation_cases as segmentation
from NephroSynthLib.training import synthesis_cases as synthesis
from NephroSynthLib.training.loop import DrawSample, OnProgress, TrainingPlan, fit
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool, MakeCase

FIRST_CASES = 12
HELD_OUT = range(800_000, 800_008)


@dataclass(frozen=True)
class Recipe:
    """What distinguishes the training of one model from that of another."""

    name: str
    network: SwinDenoiserConfig
    diffusion: DiffusionConfig
    preprocessing: dict[str, JsonValue]
    make_case: MakeCase
    sampler_of: Callable[[CasePool], DrawSample]
    evaluate_on: Callable[[Denoiser, CasePool, int], dict[str, float]]
    distance: Distance
    sampling_steps: int


RECIPES: dict[Task, Recipe] = {
    "segmentation": Recipe(
        "kidney-segmenter",
        segmentation.NETWORK,
        segmentation.DIFFUSION,
        segmentation.PREPROCESSING,
        segmentation.make_case,
        segmentation.sampler_of,
        segmentation.evaluate_on,
        "l2",
        2,
    ),
    "synthesis": Recipe(
        "nephrographic-synthesizer",
        synthesis.NETWORK,
        synthesis.DIFFUSION,
        synthesis.PREPROCESSING,
        synthesis.make_case,
        synthesis.sampler_of,
        synthesis.evaluate_on,
        "l1",
        4,
    ),
}


def train(
    task: Task,
    folder: Path,
    *,
    steps: int,
    exams: int,
    seed: int = 0,
    batch_size: int = 1,
    learning_rate: float = 1e-3,
    preparers: int = 1,
    start_from: str | None = None,
    on_progress: OnProgress,
) -> Path:
    """Trains a model on simulated exams and writes its bundle; called again on the same folder, goes on.

    Training begins as soon as a few exams are prepared, and draws from the others as they come.

    Args:
        task: which model.
        folder: takes the cases, checkpoints and the bundle; all cases that lie there are drawn from.
        steps: optimizer steps.
        exams: simulated exams to have, seeds `seed` * 1000 onwards; 0 simulates none.
        seed: of exams, weights, crops and noise.
        batch_size: crops of a step.
        learning_rate: the highest of AdamW.
        preparers: processes that prepare exams.
        start_from: name or path of a bundle whose weights training begins with; None begins with random ones.
        on_progress: told the fraction done and what goes on.

    Returns:
        The bundle's path.

    Raises:
        UsageError: If there is nothing to train on, or the seeds are those of exams that judge.
        ModelError: If the bundle to start from cannot be used, or holds another network.
    """
    recipe = RECIPES[task]
    plan = TrainingPlan(
        steps, batch_size, learning_rate, distance=recipe.distance, masks=task == "segmentation", seed=seed
    )
    seeds = range(seed * 1000, seed * 1000 + exams)
    if seeds and seeds.stop > HELD_OUT.start:
        raise UsageError(f"Exams of seeds from {HELD_OUT.start} on only judge.", Action.CHOOSE_SEED)
    pool, held_out = CasePool(folder / "cases", recipe.make_case), CasePool(folder / "held-out", recipe.make_case)
    own = [path for path in pool.ready() if path.stem.isdigit() and int(path.stem) >= FIRST_OF_COHORT]
    if not exams and not pool.ready():
        raise UsageError(
            f"{pool.folder} holds no prepared exam to train on.",
            Action.PREPARE_EXAMS,
        )
    judges = HELD_OUT if exams or _simulated(pool) else ()
    torch.manual_seed(seed)
    start = None if start_from is None else _start_bundle(start_from, task)
    denoiser = recipe.diffusion.wrap(SwinDenoiser(recipe.network))
    if start is not None:
        denoiser.network.load_state_dict(_with_context(start.tensors, recipe.network.context_features))
    with _timed(folder / "hours.txt"), held_out.filling(judges, 1), pool.filling(seeds, preparers):
        on_progress(0.0, "preparing the first exams")
        pool.wait_for(min(FIRST_CASES, exams))
        fit(denoiser, recipe.sampler_of(pool), plan, folder / "checkpoints", on_progress)
        held_out.wait_for(len(judges))
    on_progress(1.0, "evaluating on held-out exams")
    results = recipe.evaluate_on(denoiser, held_out, recipe.sampling_steps)
    command = (
        f"nephrosynth train {task} --out {folder.name} --steps {steps} --exams {exams} --seed {seed} "
        f"--batch-size {batch_size} --learning-rate {learning_rate:g}"
    )
    if start is not None:
        command += f" --start-from {start.metadata.name}"
    metadata = BundleMetadata(
        name=recipe.name,
        task=task,
        method="dsSNICT (arXiv 2502.19623), small",
        network=recipe.network,
        diffusion=recipe.diffusion,
        preprocessing=recipe.preprocessing,
        training={
            "data": _data(_simulated(pool), len(own)) + ("" if own else "; no patient data"),
            "command": command,
            "seed": seed,
            "steps": steps,
            "hours": round(_hours(folder / "hours.txt"), 2),
            "hardware": _hardware(),
            "date": datetime.date.today().isoformat(),
            "version": __version__,
            **({} if start is None else {"started_from": {"sha256": start.sha256, **start.metadata.training}}),
        },
        results={"held_out": _data(judges, len(held_out.ready()) - len(judges)), **results},
        licence="Apache-2.0",
    )
    path = folder / f"{recipe.name}.safetensors"
    save_bundle(path, denoiser.network.state_dict(), metadata)
    (folder / f"{recipe.name}.json").write_text(json.dumps(metadata.model_dump(mode="json"), indent=2), "utf-8")
    return path


def _simulated(pool: CasePool) -> list[int]:
    """Seeds of the simulated exams that were prepared in time to be drawn from."""
    numbers = (int(path.stem) for path in pool.ready())
    return [number for number in numbers if number < FIRST_OF_COHORT]


def _data(seeds: Sequence[int], own: int) -> str:
    """Tells of the exams that were there: simulated ones by runs of their seeds, then those of a cohort."""
    breaks = [0, *(k for k in range(1, len(seeds)) if seeds[k] != seeds[k - 1] + 1), len(seeds)]
    runs = [seeds[a:b] for a, b in pairwise(breaks) if a < b]
    named = ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
    simulated = [f"{len(seeds)} simulated exams, seeds {named}"] if seeds else []
    return " and ".join([*simulated, *([f"{own} exams of a cohort of one's own"] if own else [])])


def _start_bundle(name_or_path: str, task: Task) -> ModelBundle:
    bundle = load_bundle(name_or_path, task)
    wanted = RECIPES[task].network
    told = bundle.metadata.network.context_features
    if 0 < told < wanted.context_features:
        wanted = replace(wanted, context_features=told)
    if bundle.metadata.network != wanted:
        raise ModelError(
            f"Training cannot start from {name_or_path}: its network is not the one that is trained here.",
            Action.CHOOSE_START,
        )
    return bundle


def _with_context(tensors: Mapping[str, torch.Tensor], features: int) -> dict[str, torch.Tensor]:
    """Weights of a network for one that is told more of an exam: what is new counts nothing at first."""
    weight = tensors.get("context.weight")
    if weight is None:
        return dict(tensors)
    return {**tensors, "context.weight": F.pad(weight, (0, features - weight.shape[1]))}


@contextmanager
def _timed(file: Path) -> Iterator[None]:
    """Adds the hours spent inside to those that a file tells of earlier calls."""
    start = time.monotonic()
    try:
        yield
    finally:
        file.write_text(f"{_hours(file) + (time.monotonic() - start) / 3600:.6f}\n", encoding="utf-8")


def _hours(file: Path) -> float:
    return float(file.read_text(encoding="utf-8")) if file.exists() else 0.0


def _hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread(s), {platform.machine()}"
