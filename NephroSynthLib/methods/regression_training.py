"""Training of a translator by the mean absolute error alone. Needs Lightning."""

from __future__ import annotations

from torch import Tensor

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.one_loss_training import OneLossTraining
from NephroSynthLib.networks.translator import Translator


class RegressionTraining(OneLossTraining):
    """Trains a translator on batches of `image`, `condition`, `context` and `weight`.

    Args:
        translator: The network to train.
        plan: Steps and learning rate.
    """

    def __init__(self, translator: Translator, plan: TrainingPlan) -> None:
        super().__init__(plan)
        self.translator = translator

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the mean absolute error, weighted by voxel."""
        error = (self.translator(batch["condition"], batch["context"]) - batch["image"]).abs()
        return (batch["weight"] * error).sum() / batch["weight"].sum()
