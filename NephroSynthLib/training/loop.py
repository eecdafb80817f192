"""The training loop of every model: averaged weights, checkpoints and resuming around a Lightning module.

Crops depend on the seed and on their number, noise and timesteps on the seed and the step. A training that is resumed
thus draws the same stream as one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch.utils.data import DataLoader, Dataset, default_collate

from NephroSynthLib import options
from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.methods.method import Sample, TrainingPlan
from NephroSynthLib.models.device import inference_dtype, resolve_device
from NephroSynthLib.training import checkpoints, processes
from NephroSynthLib.training.checkpoints import CHECKPOINT_STEPS, Checkpoint
from NephroSynthLib.training.learning_curve import LearningCurve
from NephroSynthLib.training.validation import Validation, Validator

DrawSample = Callable[[np.random.Generator], Sample]
OnProgress = Callable[[float, str], None]
Module = TypeVar("Module", bound=pl.LightningModule)

CURVE_STEPS = 50
CLIP = 1.0
Precision = Literal["bf16-mixed", "16-mixed", "32-true"]
PRECISIONS: Mapping[torch.dtype, Precision] = {
    torch.bfloat16: "bf16-mixed",
    torch.float16: "16-mixed",
    torch.float32: "32-true",
}
"""Precision of Lightning for the type that the hardware computes in fast; emulated bfloat16 takes many times longer."""
WORKERS = 1
_CROPS, _NOISE = 1, 2  # tell the random streams of one seed apart


class _Crops(Dataset[Sample | NephroSynthError]):
    """Endless samples by number. An error takes the place of a sample that cannot be drawn."""

    def __init__(self, draw: DrawSample, seed: int) -> None:
        self.draw = draw
        self.seed = seed

    def __getitem__(self, number: int) -> Sample | NephroSynthError:
        try:
            return self.draw(np.random.default_rng((self.seed, number, _CROPS)))
        except NephroSynthError as error:
            return error


class _Batched(DataLoader[Any]):
    """Raises the errors of the processes that draw samples as they are; torch would turn them into tracebacks.

    Raises:
        NephroSynthError: A sample cannot be drawn.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for batch in super().__iter__():
            if isinstance(batch, NephroSynthError):
                raise batch
            yield batch


def _batch(samples: list[Sample | NephroSynthError]) -> Any:
    return next((one for one in samples if isinstance(one, NephroSynthError)), None) or default_collate(samples)


class _Batches:
    """The numbers of the samples that this process takes of each batch, from the batch `first` on, without an end."""

    def __init__(self, first: int, size: int) -> None:
        self.first = first
        self.size = size

    def __iter__(self) -> Iterator[list[int]]:
        share = processes.share(self.size)
        firsts = (batch * self.size + processes.rank() * share for batch in count(self.first))
        return (list(range(first, first + share)) for first in firsts)


class _Follower(Callback):
    """Seeds each step; after it, writes the learning curve, saves checkpoints and tells a progress function.

    Args:
        seed: Seed of the noise.
        folder: Folder of the checkpoints.
        curve: Takes the loss; None in the processes beside the first.
        on_progress: As in `fit`.

    Attributes:
        batches: Batches that were done, also in earlier calls.
    """

    state_key = "follower"

    def __init__(self, seed: int, folder: Path, curve: LearningCurve | None, on_progress: OnProgress) -> None:
        self.seed = seed
        self.folder = folder
        self.curve = curve
        self.on_progress = on_progress
        self.batches = 0
        self.running = math.nan
        self.losses: list[float] = []

    def state_dict(self) -> dict[str, float]:
        """Returns the state that a checkpoint holds."""
        return {"batches": self.batches, "running": self.running}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Takes the state of a checkpoint."""
        self.batches, self.running = int(state_dict["batches"]), state_dict["running"]

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, *_: object) -> None:
        """Seeds torch's global generators for one step."""
        words = (self.seed, self.batches, trainer.global_rank, _NOISE)
        torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0]))

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: STEP_OUTPUT, *_: object
    ) -> None:
        """Follows a step that Lightning has finished.

        Raises:
            Cancelled: The user ended the training; a checkpoint was saved.
        """
        assert isinstance(outputs, Mapping)
        self.batches += 1
        loss = float(trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean"))
        self.losses.append(loss)
        self.running = loss if math.isnan(self.running) else 0.99 * self.running + 0.01 * loss
        total = int(trainer.max_steps)
        done = min(trainer.global_step, total)  # a batch of two optimizers may step beyond the last one
        last = done == total
        if last or self.batches % CURVE_STEPS == 0:
            self._draw(trainer, done)
        if last or self.batches % CHECKPOINT_STEPS == 0:
            checkpoints.save(trainer, self.folder)
        ended = self._ended_by_user(done / total, f"step {done} of {total}, loss {self.running:.4f}")
        if trainer.strategy.reduce_boolean_decision(ended, all=False):
            checkpoints.save(trainer, self.folder)
            raise Cancelled(f"The training is kept at step {done}; the same command continues it.")

    def _ended_by_user(self, done: float, text: str) -> bool:
        try:
            self.on_progress(done, text)
        except Cancelled:
            return True
        return False

    def _draw(self, trainer: pl.Trainer, step: int) -> None:
        if self.curve is not None:
            rate = float(trainer.optimizers[0].param_groups[0]["lr"])
            self.curve.add(step, {"loss": float(np.mean(self.losses)), "learning_rate": rate})
        self.losses.clear()


def fit(
    module: Module,
    draw: DrawSample,
    plan: TrainingPlan,
    folder: Path,
    on_progress: OnProgress,
    *,
    validation: Validation | None = None,
    device: str = options.DEVICE.default,
    workers: int = WORKERS,
) -> tuple[Module, list[str]]:
    """Trains a module, or resumes where an earlier call in the same folder ended.

    Several processes that torchrun started share the crops of each step, and the first of them writes.

    Args:
        module: Brings its losses and optimizers. `training_step` returns the loss to report. With several optimizers
            it sets `automatic_optimization = False` and steps them itself. Its weights are replaced by their moving
            average at the end.
        draw: Draws a sample, a dictionary of arrays that Lightning batches for `training_step`.
        plan: Steps, batch size, decay of the moving average, seed.
        folder: Takes the folder `checkpoints`, with one checkpoint every `CHECKPOINT_STEPS` batches and one at the
            end, and the learning curve `metrics.csv`.
        on_progress: Told the fraction done and the loss after each step; may raise `Cancelled`.
        validation: Measured on held-out cases while it trains; None measures nothing.
        device: As in `resolve_device`.
        workers: Processes that draw samples; 0 draws them in this one. Their number does not change the samples.

    Returns:
        The module, in evaluation mode, on the CPU; and warnings.

    Raises:
        Cancelled: The user ended the training. The message names the work that is kept.
        UnreadableInputError: No checkpoint of the folder can be read, or a sample cannot be drawn.
        ResourceError: The device is not there.
    """
    saved = folder / checkpoints.FOLDER
    saved.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    checkpoint = checkpoints.load(saved)
    warnings = [checkpoint.warning] if checkpoint and checkpoint.warning else []
    if checkpoint and checkpoint.step >= plan.steps:
        # The averaged weights; Lightning puts them into the module only at the end of `Trainer.fit`.
        module.load_state_dict(checkpoint.state["state_dict"])
        return module.cpu().eval(), warnings
    curve = LearningCurve(folder, checkpoint.step if checkpoint else 0) if processes.is_first() else None
    placed = resolve_device(device)
    averaging = EMAWeightAveraging(placed, decay=plan.decay, update_starting_at_step=min(plan.warm_up, plan.steps // 2))
    validators = [Validator(validation, averaging, curve)] if validation and curve else []
    follower = _Follower(plan.seed, saved, curve, on_progress)
    batches = _Batches(_batches_done(checkpoint), plan.batch_size)
    loader = _Batched(
        _Crops(draw, plan.seed),
        batch_sampler=batches,
        collate_fn=_batch,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    trainer = _trainer(module, plan, [averaging, *validators, follower], placed, folder)
    trainer.fit(module, loader, ckpt_path=checkpoint.path if checkpoint else None, weights_only=True)
    return module.cpu().eval(), warnings


def _batches_done(checkpoint: Checkpoint | None) -> int:
    return int(checkpoint.state["callbacks"][_Follower.state_key]["batches"]) if checkpoint else 0


def _trainer(
    module: pl.LightningModule, plan: TrainingPlan, callbacks: list[Callback], device: torch.device, folder: Path
) -> pl.Trainer:
    return pl.Trainer(
        max_steps=plan.steps,
        accelerator=device.type,
        devices=processes.on_this_machine() if device.index is None else [device.index],
        num_nodes=processes.count() // processes.on_this_machine(),
        strategy="auto" if processes.count() == 1 else "ddp_find_unused_parameters_true",
        precision=PRECISIONS[inference_dtype(device)],
        gradient_clip_val=CLIP if module.automatic_optimization else None,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
