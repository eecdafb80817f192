"""Training of generators against discriminators, with an optimizer for each side. Needs Lightning."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.slab import as_slices

RATE = 2e-4
BETAS = (0.5, 0.999)
"""Adam's rate and momenta of Pix2Pix and its relatives (Isola et al. 2017, section 3.3)."""


class AdversarialTraining(pl.LightningModule):
    """Base of trainings with discriminators. A batch with a step of both sides counts as two optimizer steps.

    Args:
        generators: All that the first optimizer trains.
        discriminators: All that the second one trains.
        plan: Its learning rate counts where it is below that of the papers.
        flat: Whether each slice of a volume is a sample of its own.
        rate: Adam's rate in the paper.
        betas: Adam's momenta in the paper.
        judgements: Batches whose discriminators are stepped for each one whose generators are stepped too.
    """

    def __init__(
        self,
        generators: nn.Module,
        discriminators: nn.Module,
        plan: TrainingPlan,
        *,
        flat: bool,
        rate: float = RATE,
        betas: tuple[float, float] = BETAS,
        judgements: int = 1,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generators = generators
        self.discriminators = discriminators
        self.rate = min(rate, plan.learning_rate)
        self.betas = betas
        self.judgements = judgements
        self.flat = flat

    @abstractmethod
    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Any, Tensor]:
        """Returns the images for the discriminators, and the loss of the generators."""

    @abstractmethod
    def judged_loss(self, batch: dict[str, Tensor], made: Any) -> Tensor:
        """Returns the loss of the discriminators."""

    @abstractmethod
    def answer(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the images that the method gives for a batch."""

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Steps both optimizers, or the discriminators' alone; returns the loss of the generators."""
        batch = as_slices(batch) if self.flat else batch
        makes, judges = cast("list[Any]", self.optimizers())
        self.discriminators.requires_grad_(False)
        made, loss = self.made_and_loss(batch)
        if batch_idx % self.judgements == 0:
            self._step(makes, loss)
        self.discriminators.requires_grad_(True)
        self._step(judges, self.judged_loss(batch, made))
        return loss.detach()

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the mean absolute error of the images; see `NephroSynthLib.training.validation`."""
        batch = as_slices(batch) if self.flat else batch
        return (self.answer(batch) - batch["image"]).abs().mean()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Returns Adam for the generators and Adam for the discriminators."""
        sides = (self.generators, self.discriminators)
        return [torch.optim.Adam(side.parameters(), self.rate, self.betas) for side in sides]

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


def unpaired(images: Tensor) -> Tensor:
    """Returns images of a batch (B, C, z, y, x) for other samples: those of the sample before, mirrored.

    Half of all crops are mirrored anyway, so they look as before. With one sample, it is the same exam, mirrored.
    """
    return images.roll(1, 0).flip(-1)
