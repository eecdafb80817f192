"""Validation on held-out cases while a model trains: always the averaged weights, the same crops and the same noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch import Tensor
from torch.utils.data import default_collate

from NephroSynthLib.methods.method import Sample
from NephroSynthLib.training.learning_curve import LearningCurve

VALIDATION_STEPS = 1000
"""Batches between two validations on whole exams."""
PARTS = 4
"""Validations on crops in a training, at least."""
PREFIX = "held_out_"


@runtime_checkable
class WithValidationLoss(Protocol):
    """A training module that can tell its loss without a step of its optimizers."""

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the loss of a batch; its noise comes from torch's global generators."""
        ...


@dataclass(frozen=True)
class Validation:
    """The validation of a training.

    Attributes:
        samples: Crops of held-out cases, for the loss of modules that are `WithValidationLoss`.
        evaluate: Returns figures of the network over held-out cases.
    """

    samples: Sequence[Sample]
    evaluate: Callable[[], Mapping[str, float]]


class Validator(Callback):
    """Validates while a model trains, and writes the figures to the learning curve.

    The loss on the crops is measured after each quarter of the training and every `VALIDATION_STEPS` batches, the
    figures on whole cases at the latter. It leaves torch's global generators in another state, so the loop must seed
    each step.

    Args:
        validation: The crops and the measure.
        averaging: Holds the averaged weights.
        curve: Takes the figures, with the prefix `held_out_`.
    """

    def __init__(self, validation: Validation, averaging: EMAWeightAveraging, curve: LearningCurve) -> None:
        self.validation = validation
        self.averaging = averaging
        self.curve = curve
        self._parts_done = 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Counts the quarters that earlier calls have done."""
        self._parts_done = _parts(trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        """Validates where it is time to."""
        parts, whole = _parts(trainer), (trainer.fit_loop.total_batch_idx + 1) % VALIDATION_STEPS == 0
        if parts == self._parts_done and not whole:
            return
        self._parts_done = parts
        self.averaging.on_validation_epoch_start(trainer, module)  # exchanges the weights for the averaged ones
        module.eval()
        with torch.no_grad():
            figures = {**self._loss(trainer, module), **(self.validation.evaluate() if whole else {})}
        module.train()
        self.averaging.on_validation_epoch_end(trainer, module)  # exchanges them back
        named = {f"{PREFIX}{name}": value for name, value in figures.items()}
        self.curve.add(min(int(trainer.global_step), int(trainer.max_steps)), named)

    def _loss(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        if not isinstance(module, WithValidationLoss):
            return {}
        losses = []
        for number, sample in enumerate(self.validation.samples):
            torch.manual_seed(number)
            batch = module.transfer_batch_to_device(default_collate([sample]), module.device, 0)
            with trainer.precision_plugin.val_step_context():
                losses.append(float(module.validation_loss(batch)))
        return {"loss": float(np.mean(losses))} if losses else {}


def _parts(trainer: pl.Trainer) -> int:
    """Returns how many quarters of its optimizer steps a training has done."""
    return PARTS * min(int(trainer.global_step), int(trainer.max_steps)) // int(trainer.max_steps)
