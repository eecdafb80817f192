"""A network that turns the condition into the image in one call, without noise and without steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig


class Translator(nn.Module):
    """A `SwinDenoiser` that sees no noisy image.

    Args:
        config: Its architecture, with 0 image channels.

    Raises:
        ValueError: The architecture takes a noisy image.
    """

    def __init__(self, config: SwinDenoiserConfig) -> None:
        super().__init__()
        if config.image_channels:
            raise ValueError("A translator takes no noisy image.")
        self.unet = SwinDenoiser(config)

    def forward(self, condition: Tensor, context: Tensor | None = None) -> Tensor:
        """Maps a condition (B, K, z, y, x) and a context (B, F) to an image (B, C, z, y, x), float32."""
        image: Tensor = self.unet(*_alone(condition), context).float()
        return image

    def features(self, condition: Tensor, context: Tensor | None = None) -> list[Tensor]:
        """Returns the output of each level of the encoder, the finest first."""
        return self.unet.features(*_alone(condition), context)


def _alone(condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns an image without channels, the time zero, and the condition."""
    return condition[:, :0], torch.zeros(len(condition), device=condition.device), condition
