"""PGGAN: a generator of slices that grows while it learns (Karras et al. 2018). A comparator of MT-DDPM."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import nn

from NephroSynthLib.generators.latent_generator import LatentConfig, LatentGenerator
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.growing_gan import GrowingGenerator

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.generators.progressive_gan_training import ProgressiveGanTraining


class ProgressiveGan(LatentGenerator):
    """The progressive GAN in small."""

    name: ClassVar[str] = "pggan"
    title: ClassVar[str] = "Progressive GAN (arXiv 1710.10196), small"

    @staticmethod
    def build(configuration: LatentConfig) -> nn.Module:
        """See `LatentGenerator.build`."""
        return GrowingGenerator(configuration.latent, configuration.widths)

    def training_module(self, plan: TrainingPlan) -> ProgressiveGanTraining:
        """Returns the training against a discriminator; see `Trainable`."""
        from NephroSynthLib.generators.progressive_gan_training import ProgressiveGanTraining

        return ProgressiveGanTraining(self.network, self.configuration, plan)


if TYPE_CHECKING:
    _conforms: type[Generator] = ProgressiveGan
