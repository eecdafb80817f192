"""The part that all generators share whose network turns a latent into a slice in one call."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from typing_extensions import Self

from NephroSynthLib.generators.abdomen import AbdomenGenerator, message
from NephroSynthLib.imaging.full_range import from_full_range
from NephroSynthLib.methods.method import HU
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.progress import Progress


class LatentConfig(BaseModel):
    """Configuration of a network from latents to slices.

    Attributes:
        latent: Length of a latent.
        widths: Channels at sides of 4, 8, 16 pixels and so on; the last is that of the slices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    latent: int = Field(64, ge=1, le=1024)
    widths: tuple[int, ...] = Field((64, 64, 64, 48, 32, 16), min_length=1, max_length=8)


class LatentGenerator(AbdomenGenerator, ABC):
    """Base of generators of slices from latents; a subclass names itself and brings its network and its training."""

    def __init__(self, configuration: LatentConfig, network: nn.Module) -> None:
        self.configuration = configuration
        self.network = network

    @staticmethod
    @abstractmethod
    def build(configuration: LatentConfig) -> nn.Module:
        """Returns the network of a configuration with random weights."""

    @classmethod
    def untrained(cls) -> Self:
        """See `Trainable.untrained`."""
        return cls(LatentConfig(), cls.build(LatentConfig()))

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Generator.restore`."""
        configuration = bundle.configuration(LatentConfig)
        network = bundle.load_into(lambda: cls.build(configuration))
        return cls(configuration, network.to(device).eval().requires_grad_(False))

    def latents(self, slices: int, generator: torch.Generator) -> torch.Tensor:
        """Draws the latents of an image, (slices, latent), on the CPU."""
        return torch.randn((slices, self.configuration.latent), generator=generator)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Returns the slices (n, 1, 1, y, x) of latents."""
        images: torch.Tensor = self.network(latents)
        return images

    def generate(self, slices: int, steps: int, seed: int, progress: Progress) -> HU:
        """See `Generator.generate`; needs no steps."""
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            images = self.decode(self.latents(slices, torch.Generator().manual_seed(seed)).to(device))
        progress.update(1.0, message(device))
        return from_full_range(images[:, 0, 0].float().cpu().numpy())
