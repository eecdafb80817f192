"""Slice-to-3D VAE: volumes from a VAE of slices and a Gaussian along them (Volokitin et al. 2020, MICCAI, pp. 657-666).

A comparator of ASCII.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from NephroSynthLib.generators.latent_generator import LatentConfig, LatentGenerator
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.slice_autoencoder import SliceAutoencoder

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.generators.slice_vae_training import SliceVaeTraining

DEPTH = 24
"""Slices of a volume."""


class SliceVae(LatentGenerator):
    """The slice-to-3D VAE in small."""

    name: ClassVar[str] = "slice-vae"
    title: ClassVar[str] = "Slice-to-3D VAE (doi 10.1007/978-3-030-59728-3_64), small"
    crop: ClassVar[Size] = (DEPTH, 128, 128)
    most_slices: ClassVar[int | None] = DEPTH
    network: SliceAutoencoder

    @staticmethod
    def build(configuration: LatentConfig) -> nn.Module:
        """See `LatentGenerator.build`."""
        return SliceAutoencoder(configuration.latent, configuration.widths, DEPTH)

    def latents(self, slices: int, generator: torch.Generator) -> torch.Tensor:
        """See `LatentGenerator.latents`; the codes of the first slices of a volume."""
        return self.network.sample(generator)[:slices]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See `LatentGenerator.decode`."""
        return self.network.decode(latents)

    def training_module(self, plan: TrainingPlan) -> SliceVaeTraining:
        """Returns the training by the evidence bound; see `Trainable`."""
        from NephroSynthLib.generators.slice_vae_training import SliceVaeTraining

        return SliceVaeTraining(self.network, plan)


if TYPE_CHECKING:
    _conforms: type[Generator] = SliceVae
