"""StyleGAN2: a style-based generator of slices (Karras et al. 2020). A comparator of MT-DDPM and of ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import nn

from NephroSynthLib.generators.latent_generator import LatentConfig, LatentGenerator
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.styled_gan import StyleGenerator

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.generators.style_gan_training import StyleGanTraining


class StyleGan(LatentGenerator):
    """The style-based GAN in small."""

    name: ClassVar[str] = "stylegan"
    title: ClassVar[str] = "StyleGAN2 (arXiv 1912.04958), small"
    network: StyleGenerator

    @staticmethod
    def build(configuration: LatentConfig) -> nn.Module:
        """See `LatentGenerator.build`."""
        return StyleGenerator(configuration.latent, configuration.widths)

    def training_module(self, plan: TrainingPlan) -> StyleGanTraining:
        """Returns the training against a discriminator; see `Trainable`."""
        from NephroSynthLib.generators.style_gan_training import StyleGanTraining

        return StyleGanTraining(self.network, self.configuration, plan)


if TYPE_CHECKING:
    _conforms: type[Generator] = StyleGan
