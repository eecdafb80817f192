"""WGAN-GP: a generator of slices against a critic of slope 1 (Gulrajani et al. 2017). A comparator of MT-DDPM."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import nn

from NephroSynthLib.generators.latent_generator import LatentConfig, LatentGenerator
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.wasserstein_gan import WassersteinGenerator

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.generators.wgan_gp_training import WganGpTraining


class WganGp(LatentGenerator):
    """WGAN-GP in small."""

    name: ClassVar[str] = "wgan-gp"
    title: ClassVar[str] = "WGAN-GP (arXiv 1704.00028), small"

    @staticmethod
    def build(configuration: LatentConfig) -> nn.Module:
        """See `LatentGenerator.build`."""
        return WassersteinGenerator(configuration.latent, configuration.widths)

    def training_module(self, plan: TrainingPlan) -> WganGpTraining:
        """Returns the training against a discriminator; see `Trainable`."""
        from NephroSynthLib.generators.wgan_gp_training import WganGpTraining

        return WganGpTraining(self.network, self.configuration, plan)


if TYPE_CHECKING:
    _conforms: type[Generator] = WganGp
