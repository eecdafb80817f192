"""Training of a translator by the mean absolute error alone. Needs Lightning."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from NephroSynthLib.methods.learning_rate import warm_cosine
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.translator import Translator


class RegressionTraining(pl.LightningModule):
    """Trains a translator on batches of `image`, `condition`, `context` and `weight`.

    Args:
        translator: The network to train.
        plan: Steps and learning rate.
    """

    def __init__(self, translator: Translator, plan: TrainingPlan) -> None:
        super().__init__()
        self.translator = translator
        self.plan = plan

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the mean absolute error, weighted by voxel."""
        error = (self.translator(batch["condition"], batch["context"]) - batch["image"]).abs()
        return (batch["weight"] * error).sum() / batch["weight"].sum()

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the loss of a training step; see `NephroSynthLib.training.validation`."""
        return self.training_step(batch, 0)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """Returns AdamW with a warm-up and a cosine decay; see `warm_cosine`."""
        return warm_cosine(self.parameters(), self.plan)
