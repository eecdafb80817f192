"""Trainings that take no time: a line with one optimizer, and dsSNICT with a small network on cases made at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from NephroSynthLib.errors import Cancelled
from NephroSynthLib.methods.condition import CONDITION_CHANNELS, CONTEXT_FEATURES
from NephroSynthLib.methods.dssnict import CONFIGURATION, DsSnict
from NephroSynthLib.methods.method import Sample, TrainingPlan
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.training import loop, synthesis_cases
from NephroSynthLib.training.loop import DrawSample, OnProgress
from NephroSynthLib.training.pool import CasePool, MakeCase
from NephroSynthLib.training.recipe import Recipe


class Regression(pl.LightningModule):
    """Learns y = 3 x - 1 with one optimizer, which Lightning steps, in float32 on every CPU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(1, 1)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return (self.line(batch["x"]) - batch["y"]).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.1)


def draw(rng: np.random.Generator) -> Sample:
    x = rng.uniform(-1, 1, 1).astype(np.float32)
    return {"x": x, "y": 3 * x - 1}


def plan(steps: int, **options: float) -> TrainingPlan:
    return TrainingPlan(steps, batch_size=8, warm_up=1, decay=0.5, **options)  # type: ignore[arg-type]


def ignore(done: float, text: str) -> None:
    pass


Module = TypeVar("Module", bound=pl.LightningModule)


def fit(module: Module, plan: TrainingPlan, folder: Path, on_progress: OnProgress = ignore, **options: Any) -> Module:
    """Trains on the CPU without warnings."""
    trained, warnings = loop.fit(module, draw, plan, folder, on_progress, device="cpu", **options)
    assert warnings == []
    return trained


def interrupt_at(step: int) -> OnProgress:
    """A progress function of a user who presses Ctrl-C after a step."""

    def on_progress(done: float, text: str) -> None:
        if text.startswith(f"step {step} "):
            raise Cancelled

    return on_progress


MODULE = """
import numpy as np

def make_case(seed, anatomies=None):
    rng = np.random.default_rng(seed)
    return {"level": rng.uniform(-0.9, 0.9, 1), "anatomy": np.asarray(anatomies.name(seed) if anatomies else "")}
"""
NETWORK = replace(CONFIGURATION.network, channels=(8, 16), strides=((1, 2, 2),), blocks=(1, 1), attention=(False,) * 2)
SMALL = SwinDiffusion(network=NETWORK, diffusion=CONFIGURATION.diffusion)


def draw_from(pool: CasePool) -> DrawSample:
    def draw(rng: np.random.Generator) -> Sample:
        image = np.full((1, 4, 8, 8), pool.load(rng.choice(np.array(pool.ready())))["level"][0], np.float32)
        condition = np.repeat(image, CONDITION_CHANNELS, axis=0)
        return {"image": image, "condition": condition, "context": np.zeros(CONTEXT_FEATURES, np.float32)}

    return draw


def small_recipe(make_case: MakeCase) -> Recipe:
    """Returns the recipe of dsSNICT with the small network, on cases of `MODULE`."""
    return replace(
        synthesis_cases.recipe(DsSnict(SMALL, SMALL.build())),
        make_case=make_case,
        draw_from=draw_from,
        arrays=["level"],
        evaluate=lambda pool: {"cases": float(len(pool.ready()))},
    )
