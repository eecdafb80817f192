"""Generator and critic of WGAN-GP for slices, in small (Gulrajani et al. 2017).

The paper normalizes its generator over the batch. Here both sides normalize within each image, as its critic does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

SLOPE = 0.2


class WassersteinGenerator(nn.Module):
    """Makes slices from latents.

    Args:
        latent: Length of a latent.
        widths: Channels at sides of 4, 8, 16 and so on; the last is that of the slices.
    """

    def __init__(self, latent: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.latent = latent
        self.first = nn.Linear(latent, widths[0] * 16)
        self.shape = (widths[0], 4, 4)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.GroupNorm(1, before), nn.ReLU(), nn.Upsample(scale_factor=2)]
            layers += [nn.Conv2d(before, after, 3, padding=1)]
        self.rest = nn.Sequential(
            *layers, nn.GroupNorm(1, widths[-1]), nn.ReLU(), nn.Conv2d(widths[-1], 1, 3, padding=1), nn.Tanh()
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Maps (n, latent) to slices (n, 1, 1, y, x) in [-1, 1], float32."""
        image: Tensor = self.rest(self.first(latents).unflatten(1, self.shape)).float()
        return image[:, :, None]


class Critic(nn.Module):
    """Scores slices; it has no output for 'real', and no normalization over the batch (section 4).

    Args:
        widths: As those of the generator.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, widths[-1], 3, padding=1), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(reversed(widths)):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.GroupNorm(1, after), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[0] * 16, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Maps slices (n, 1, 1, y, x) to scores (n, 1), float32."""
        scores: Tensor = self.layers(images[:, :, 0]).float()
        return scores
