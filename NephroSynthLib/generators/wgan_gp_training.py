"""Training of WGAN-GP (Gulrajani et al. 2017, algorithm 1). Needs Lightning."""

from __future__ import annotations

from torch import Tensor, nn

from NephroSynthLib.generators.gan_training import GanTraining
from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import between, critic_loss, slope_penalty
from NephroSynthLib.networks.wasserstein_gan import Critic

PENALTY = 10.0
"""Weight of the penalty, lambda of the paper."""
CRITIC_STEPS = 5


class WassersteinTraining(GanTraining):
    """Base of trainings by the Wasserstein distance, which a critic of slope 1 estimates."""

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """See `AdversarialTraining.made_and_loss`."""
        made = self.answer(batch)
        return made.detach(), -self.discriminators(made).mean()

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`; eq. 3."""
        return critic_and_penalty(self.discriminators, batch["image"], made)


class WganGpTraining(WassersteinTraining):
    """Trains a generator by the Wasserstein distance, with five steps of the critic for each one of its own.

    Args:
        generator: The network to train.
        configuration: Its configuration, from which the critic takes its widths.
        plan: Steps and learning rate.
    """

    def __init__(self, generator: nn.Module, configuration: LatentConfig, plan: TrainingPlan) -> None:
        critic = Critic(configuration.widths)
        super().__init__(
            generator, critic, configuration.latent, plan, rate=1e-4, betas=(0.0, 0.9), judgements=CRITIC_STEPS
        )


def critic_and_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Returns the loss of a critic with its gradient penalty (eq. 3)."""
    middle = between(real, fake)
    return critic_loss(critic(real), critic(fake)) + PENALTY * slope_penalty(critic(middle), middle)
