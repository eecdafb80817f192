"""Training of the style-based GAN (Karras et al. 2020). Needs Lightning."""

from __future__ import annotations

import torch
from torch import Tensor

from NephroSynthLib.generators.gan_training import GanTraining
from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import gradient_penalty, path_lengths
from NephroSynthLib.networks.styled_gan import ResidualDiscriminator, StyleGenerator

GAMMA = 1.0
"""Weight of R1, of which the loss holds half; the paper's choices fall with the number of pixels over the batch."""
PATH_WEIGHT = 2.0
PATH_DECAY = 0.01


class StyleGanTraining(GanTraining):
    """Trains a style-based generator by the non-saturating loss, with R1 and path lengths.

    Args:
        generator: The network to train.
        configuration: Its configuration, from which the discriminator takes its widths.
        plan: Steps and learning rate.
    """

    path_mean: Tensor

    def __init__(self, generator: StyleGenerator, configuration: LatentConfig, plan: TrainingPlan) -> None:
        discriminator = ResidualDiscriminator(configuration.widths)
        super().__init__(generator, discriminator, configuration.latent, plan, rate=2e-3, betas=(0.0, 0.99))
        self.generator = generator
        self.register_buffer("path_mean", torch.zeros(()))

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """See `AdversarialTraining.made_and_loss`; with the penalty of path lengths (eq. 4) on half of the slices."""
        made, loss = super().made_and_loss(batch)
        styles = self.generator.styles(self.latents((len(made) + 1) // 2))
        lengths = path_lengths(self.generator.images(styles), styles)
        self.path_mean.lerp_(lengths.detach().mean(), PATH_DECAY)
        return made, loss + PATH_WEIGHT * (lengths - self.path_mean).square().mean()

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`; with the penalty R1 at real slices."""
        real = batch["image"].detach().requires_grad_()
        penalty = gradient_penalty(self.discriminators(real), real)
        return super().judged_loss(batch, made) + GAMMA / 2 * penalty
