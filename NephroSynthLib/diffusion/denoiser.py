"""The denoiser D(x_t, t, condition): any network, whatever it predicts, wrapped to return the clean image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from NephroSynthLib.diffusion.process import Process, Time, spread
from NephroSynthLib.diffusion.variance_preserving import ScheduleKind, VariancePreserving

Parameterization = Literal["image", "noise", "v", "residual"]

IMAGE_SD = 0.5
"""Standard deviation of a clean image, sigma_data of Karras et al. 2022; images lie in [-1, 1]."""


class Prediction(NamedTuple):
    """The answer of a denoiser to a noisy image.

    Attributes:
        clean: The clean image, the shape of the noisy one, float32.
        log_variance_fraction: v of Nichol & Dhariwal 2021, eq. 15, the same shape; None where the variance is fixed.
    """

    clean: Tensor
    log_variance_fraction: Tensor | None = None


class Denoiser(nn.Module):
    """Wraps a network of one of four parameterizations into a predictor of the clean image.

    'image': the network's output is the clean image; 'noise': the noise (Ho et al. 2020); 'v': alpha noise - sigma
    x_0 (Salimans & Ho 2022). Noise tells little about the image at the last steps, so image or v suit few steps.
    'residual': the part of the image that the best linear guess from x_t lacks, scaled to unit variance at every time
    (Karras et al. 2022, eq. 7), so that all times weigh alike. At the end of the process x_t tells nothing. The network
    then sees zeros, and its answer is the posterior mean, whatever the noise.
    The network sees x_t / sqrt(alpha^2 + sigma^2), whose variance does not explode (Karras et al. 2022, eq. 7).

    Args:
        network: Called with (x_t, timesteps (B,) from 0 to 1000, condition, context); returns as many channels as
            the image has, twice as many with a learned variance.
        process: The process whose noise it is trained to remove.
        parameterization: The quantity that the network predicts.
        learned_variance: Whether the second half of its channels is the variance.

    Raises:
        ValueError: The parameterization is unknown.
    """

    def __init__(
        self,
        network: nn.Module,
        process: Process,
        parameterization: Parameterization = "image",
        learned_variance: bool = False,
    ) -> None:
        super().__init__()
        if parameterization not in get_args(Parameterization):
            known = ", ".join(get_args(Parameterization))
            raise ValueError(f"Unknown parameterization '{parameterization}'; there are {known}.")
        self.network = network
        self.process = process
        self.parameterization: Parameterization = parameterization
        self.learned_variance = learned_variance

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None) -> Prediction:
        """Predicts the clean image.

        Args:
            x_t: Noisy image, (B, C, z, y, x).
            t: Times of the process, (B,), above 0.
            condition: Shape (B, K, z, y, x).
            context: Shape (B, F), or None.

        Returns:
            The clean image and, with a learned variance, the fraction of its logarithm.
        """
        output, fraction = self.raw(x_t, t, condition, context)
        return Prediction(self.to_clean(output, x_t, t), fraction)

    def raw(
        self, x_t: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Returns the network's own prediction, to be compared with `target`, and the log variance fraction."""
        scaled = x_t / spread(self._power(t).sqrt(), x_t)
        if self.parameterization == "residual":
            scaled = scaled * spread((t < self.process.end).to(x_t.dtype), x_t)
        output = self.network(scaled, self.process.label(t), condition, context).float()
        if not self.learned_variance:
            return output, None
        output, variance = output.chunk(2, dim=1)
        return output, variance.sigmoid()

    def target(self, x0: Tensor, noise: Tensor, t: Time) -> Tensor:
        """Returns the output of a perfect network for x_t = alpha x_0 + sigma noise."""
        if self.parameterization == "image":
            return x0
        if self.parameterization == "noise":
            return noise
        if self.parameterization == "residual":
            copied, scale = self._residual(t)
            x_t = self.process.add_noise(x0, noise, t)
            return (x0 - spread(copied, x0) * x_t) / spread(scale, x0)
        return spread(self.process.alpha(t), x0) * noise - spread(self.process.sigma(t), x0) * x0

    def to_clean(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """Returns the clean image that follows from a network output."""
        if self.parameterization == "image":
            return output
        alpha, sigma = self.process.alpha(t), self.process.sigma(t)
        if self.parameterization == "noise":
            return (x_t - spread(sigma, x_t) * output) / spread(alpha, x_t)
        if self.parameterization == "residual":
            copied, scale = self._residual(t)
            return spread(copied, x_t) * x_t + spread(scale, x_t) * output
        power = self._power(t)
        return spread(alpha / power, x_t) * x_t - spread(sigma / power, x_t) * output

    def _residual(self, t: Time) -> tuple[Tensor, Tensor]:
        """Returns c_skip and c_out (Karras et al. 2022, table 1), for x_t = alpha x_0 + sigma noise.

        At the end of the process nothing is copied.
        """
        alpha, sigma = self.process.alpha(t), self.process.sigma(t)
        total = (alpha * IMAGE_SD) ** 2 + sigma**2
        copied = alpha * IMAGE_SD**2 / total
        end = torch.as_tensor(t, device="cpu") >= self.process.end
        return copied.masked_fill(end, 0.0), sigma * IMAGE_SD / total.sqrt()

    def _power(self, t: Time) -> Tensor:
        """alpha^2 + sigma^2, which is 1 where the variance is preserved."""
        return self.process.alpha(t) ** 2 + self.process.sigma(t) ** 2


@dataclass(frozen=True)
class DiffusionConfig:
    """Everything about a variance-preserving denoiser except its network; JSON in and out.

    Args:
        schedule: Kind of the noise schedule.
        steps: T, its training steps.
        parameterization: The quantity that the network predicts.
        learned_variance: Whether it predicts a variance too.

    Raises:
        ValueError: The schedule or parameterization is unknown, or no schedule has that number of steps.
    """

    schedule: ScheduleKind = "cosine"
    steps: int = 1000
    parameterization: Parameterization = "image"
    learned_variance: bool = True

    def __post_init__(self) -> None:
        self.wrap(nn.Identity())

    def wrap(self, network: nn.Module) -> Denoiser:
        """Returns the denoiser of a network."""
        process = VariancePreserving(self.schedule, self.steps)
        return Denoiser(network, process, self.parameterization, self.learned_variance)
