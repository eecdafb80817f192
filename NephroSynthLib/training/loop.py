"""The training loop of every model: averaged weights, checkpoints and resuming around a Lightning module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch.utils.data import DataLoader, IterableDataset

from NephroSynthLib.methods.method import Sample, TrainingPlan

DrawSample = Callable[[np.random.Generator], Sample]
OnProgress = Callable[[float, str], None]
Module = TypeVar("Module", bound=pl.LightningModule)

CHECKPOINT_STEPS = 250
CLIP = 1.0


class _Crops(IterableDataset[Sample]):
    """An endless stream of samples by seed; each worker draws its own."""

    def __init__(self, draw: DrawSample, seed: tuple[int, int]) -> None:
        self.draw = draw
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            yield self.draw(rng)


class _Reporter(Callback):
    """Tells a progress function the fraction done and the running loss."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.on_progress = on_progress
        self.loss = math.nan

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: STEP_OUTPUT, *_: object
    ) -> None:
        """Reports a step that Lightning has finished."""
        assert isinstance(outputs, Mapping)
        loss = float(outputs["loss"])
        self.loss = loss if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * loss
        total = int(trainer.max_steps)
        done = min(trainer.global_step, total)  # a batch of two optimizers may step beyond the last one
        self.on_progress(done / total, f"step {done} of {total}, loss {self.loss:.4f}")


def fit(module: Module, draw: DrawSample, plan: TrainingPlan, folder: Path, on_progress: OnProgress) -> Module:
    """Trains a module, or resumes where an earlier call in the same folder ended.

    Args:
        module: Brings its losses and optimizers. `training_step` returns the loss to report. With several optimizers
            it sets `automatic_optimization = False` and steps them itself. Its weights are replaced by their moving
            average at the end.
        draw: Draws a sample, a dictionary of arrays that Lightning batches for `training_step`.
        plan: Steps, batch size, decay of the moving average, seed.
        folder: Takes the checkpoints, one every `CHECKPOINT_STEPS` steps.
        on_progress: Told the fraction done and the loss after each step.

    Returns:
        The module, in evaluation mode, on the CPU.
    """
    torch.manual_seed(plan.seed)
    last = folder / "last.ckpt"
    state: dict[str, Any] = torch.load(last, weights_only=True) if last.exists() else {"global_step": 0}
    done = state["global_step"]
    if done >= plan.steps:
        module.load_state_dict(
            state["state_dict"]
        )  # the averaged weights, which Lightning sets only at the end of `fit`
        return module.cpu().eval()
    crops = _Crops(draw, (plan.seed, done))
    loader = DataLoader(crops, batch_size=plan.batch_size, num_workers=1, persistent_workers=True)
    trainer = _trainer(module, plan, folder, on_progress)
    trainer.fit(module, loader, ckpt_path=last if done else None, weights_only=True)
    return module.cpu().eval()


def _trainer(module: pl.LightningModule, plan: TrainingPlan, folder: Path, on_progress: OnProgress) -> pl.Trainer:
    checkpoint = ModelCheckpoint(folder, save_last=True, every_n_train_steps=CHECKPOINT_STEPS, save_top_k=0)
    averaging = EMAWeightAveraging(decay=plan.decay, update_starting_at_step=min(plan.warm_up, plan.steps // 2))
    return pl.Trainer(
        max_steps=plan.steps,
        devices=1,
        precision="bf16-mixed",
        gradient_clip_val=CLIP if module.automatic_optimization else None,
        callbacks=[checkpoint, averaging, _Reporter(on_progress)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
