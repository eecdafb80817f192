"""Training of a generator of slices against a discriminator. Needs Lightning."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from NephroSynthLib.methods.adversarial_training import AdversarialTraining
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.slab import as_slices
from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss


class GanTraining(AdversarialTraining):
    """Base of trainings on batches of `image` alone, by the losses of Goodfellow et al. 2014 unless overridden.

    Args:
        generator: Maps latents (n, latent) to slices (n, 1, 1, y, x).
        discriminator: Maps slices to logits (n, 1).
        latent: Length of a latent.
        plan: Its learning rate counts where it is below that of the paper.
        rate: Adam's rate in the paper.
        betas: Adam's momenta in the paper.
        judgements: Steps of the discriminator for each one of the generator.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent: int,
        plan: TrainingPlan,
        *,
        rate: float,
        betas: tuple[float, float],
        judgements: int = 1,
    ) -> None:
        super().__init__(generator, discriminator, plan, flat=True, rate=rate, betas=betas, judgements=judgements)
        self.latent = latent

    def latents(self, count: int) -> Tensor:
        """Draws latents (n, latent)."""
        return torch.randn(count, self.latent, device=self.device)

    def answer(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns as many new slices as the batch has."""
        made: Tensor = self.generators(self.latents(len(batch["image"])))
        return made

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """See `AdversarialTraining.made_and_loss`."""
        made = self.answer(batch)
        return made.detach(), generator_loss(self.discriminators(made))

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`."""
        return discriminator_loss(self.discriminators(batch["image"]), self.discriminators(made))

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the mean logit of real slices less that of new ones: 0 where the discriminator cannot tell them."""
        batch = as_slices(batch)
        gap: Tensor = self.discriminators(batch["image"]).mean() - self.discriminators(self.answer(batch)).mean()
        return gap
