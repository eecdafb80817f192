"""Training of one network by one loss, with one optimizer. Needs Lightning."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from NephroSynthLib.methods.learning_rate import warm_cosine
from NephroSynthLib.methods.method import TrainingPlan


class OneLossTraining(pl.LightningModule):
    """Base of trainings by one loss; a subclass brings its network and the loss.

    Args:
        plan: Steps and learning rate.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        super().__init__()
        self.plan = plan

    @abstractmethod
    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the loss of a batch."""

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the loss of a training step; see `NephroSynthLib.training.validation`."""
        return self.training_step(batch, 0)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """Returns AdamW with a warm-up and a cosine decay; see `warm_cosine`."""
        return warm_cosine(self.parameters(), self.plan)
