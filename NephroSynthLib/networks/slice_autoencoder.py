"""A variational autoencoder of slices whose codes along a volume are Gaussian (Volokitin et al. 2020, MICCAI)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor, nn

SLOPE = 0.2


def kl_to_standard(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Returns KL(N(mean, variance) || N(0, 1)) of each code, (n,), summed over its numbers (n, latent), in nats.

    It is the formula of Kingma & Welling 2014, appendix B.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2


class SliceAutoencoder(nn.Module):
    """Encoder and decoder of slices, and the Gaussian of the codes of neighbouring slices.

    Each number of the code, as a series over the slices of a volume, has a Gaussian of its own with a full covariance
    over the slices. A sample of it gives the codes of a new volume.

    Args:
        latent: Numbers of a code.
        widths: Channels at sides of 4, 8, 16 and so on; the last is that of the slices.
        depth: Slices of a volume.
    """

    series: Tensor
    products: Tensor

    def __init__(self, latent: int, widths: Sequence[int], depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, widths[-1], 3, padding=1), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(reversed(widths)):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[0] * 16, 2 * latent))
        layers = [nn.Linear(latent, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(widths):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(SLOPE)]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.register_buffer("series", torch.zeros(latent, depth))
        self.register_buffer("products", torch.eye(depth).expand(latent, depth, depth).clone())

    def encode(self, slices: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and logarithm of the variance of the codes, (n, latent) each, of slices (n, 1, 1, y, x)."""
        mean, log_variance = self.encoder(slices[:, :, 0]).float().chunk(2, dim=1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        """Returns the slices (n, 1, 1, y, x), about [-1, 1], float32, of codes (n, latent)."""
        image: Tensor = self.decoder(codes).float()
        return image[:, :, None]

    def follow(self, codes: Tensor, share: float) -> None:
        """Moves the mean and the mean product of the series towards those of some volumes.

        Args:
            codes: Shape (B, latent, depth).
            share: Weight of these volumes.
        """
        self.series.lerp_(codes.mean(dim=0), share)
        self.products.lerp_(torch.einsum("blt,bls->lts", codes, codes) / len(codes), share)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Returns the codes of a new volume, (depth, latent).

        Args:
            generator: Source of the noise, on the CPU.
        """
        mean = self.series.double().cpu()
        noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
        drawn = mean + torch.einsum("lts,ls->lt", self.root(), noise)
        return rearrange(drawn, "l t -> t l").float().to(self.series.device)

    def root(self) -> Tensor:
        """Returns a root R of each series' covariance R R^T, (latent, depth, depth), float64, on the CPU."""
        mean, products = (moment.double().cpu() for moment in (self.series, self.products))
        values, vectors = torch.linalg.eigh(products - torch.einsum("lt,ls->lts", mean, mean))
        return vectors * values.clamp(min=0).sqrt()[:, None]
