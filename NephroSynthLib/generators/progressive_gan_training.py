"""Training of the progressive GAN (Karras et al. 2018). Needs Lightning."""

from __future__ import annotations

from torch import Tensor, nn

from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.generators.wgan_gp_training import WassersteinTraining
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.growing_gan import GrowingDiscriminator

DRIFT = 0.001
"""Weight of the squared score of real images (appendix A.1)."""
FULLY_GROWN = 0.75
"""Share of the training after which all levels are there."""


class ProgressiveGanTraining(WassersteinTraining):
    """Trains a growing generator by the loss of WGAN-GP with equal steps of both sides (appendix A.1).

    Args:
        generator: The network to train.
        configuration: Its configuration, from which the discriminator takes its widths.
        plan: Steps and learning rate.
    """

    def __init__(self, generator: nn.Module, configuration: LatentConfig, plan: TrainingPlan) -> None:
        discriminator = GrowingDiscriminator(configuration.widths)
        super().__init__(generator, discriminator, configuration.latent, plan, rate=1e-3, betas=(0.0, 0.99))
        self.plan = plan
        self.levels = len(configuration.widths)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Lets both networks grow; then see `AdversarialTraining.training_step`."""
        self.generators.grown = self.discriminators.grown = grown(self.global_step / self.plan.steps, self.levels)  # type: ignore[assignment]
        return super().training_step(batch, batch_idx)

    def on_train_end(self) -> None:
        """Leaves both networks fully grown, as a bundle has them."""
        self.generators.grown = self.discriminators.grown = float(self.levels - 1)  # type: ignore[assignment]

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`; that of WGAN-GP, with scores kept near zero."""
        real = self.discriminators(batch["image"])
        return super().judged_loss(batch, made) + DRIFT * real.square().mean()


def grown(done: float, levels: int) -> float:
    """Returns how far the networks are grown: each level fades in, and then learns as long (figure 2).

    Args:
        done: Share of the training that is done.
        levels: Number of the levels, the first of which is always there.

    Returns:
        From 0 to levels - 1.
    """
    phase = min(done / FULLY_GROWN, 1.0) * (2 * levels - 2)  # of learning and fading in turn, equally long
    level, within = divmod(phase, 2)
    return min(level + max(within - 1, 0.0), levels - 1.0)
