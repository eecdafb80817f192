"""The variance-exploding process of score matching in continuous time (Song et al. 2021, section 3.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from NephroSynthLib.diffusion.process import Process, Time


class VarianceExploding(Process):
    """The process x_t = x_0 + t noise, whose time is the standard deviation of the noise (Karras et al. 2022, table 1).

    Samplers take the geometric sequence of Song et al. 2021, from sigma_max to sigma_min, and then the clean image.
    Training draws times whose logarithms are uniform.

    Args:
        sigma_min: The smallest standard deviation of the noise before the clean image, above 0.
        sigma_max: The largest, which hides the image; ASCII uses 0.001 to 1348.

    Raises:
        ValueError: The limits are not 0 < sigma_min < sigma_max.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        if not 0 < sigma_min < sigma_max < math.inf:
            raise ValueError(f"The noise must grow from above 0, got {sigma_min} to {sigma_max}.")
        self.sigma_min = sigma_min
        self.end = sigma_max

    def alpha(self, t: Time) -> Tensor:
        """Returns 1 at each time."""
        return torch.ones_like(self.sigma(t))

    def sigma(self, t: Time) -> Tensor:
        """Returns the time itself."""
        return torch.as_tensor(t, dtype=torch.float64, device="cpu")

    def label(self, t: Tensor) -> Tensor:
        """Returns the logarithm of the noise, scaled to 0 at sigma_min and 1000 at sigma_max."""
        return (t / self.sigma_min).log() * (1000 / math.log(self.end / self.sigma_min))

    def times(self, count: int) -> list[float]:
        """Returns `count` numbers in geometric progression from sigma_max to sigma_min, then 0."""
        if count < 1:
            raise ValueError(f"Sampling steps must be at least 1, got {count}.")
        ratio = (self.sigma_min / self.end) ** (1 / max(count - 1, 1))
        return [*(self.end * ratio**index for index in range(count)), 0.0]

    def random_times(self, count: int, device: torch.device) -> Tensor:
        """Returns log-uniform times from sigma_min to sigma_max; see `Process.random_times`."""
        return self.sigma_min * (self.end / self.sigma_min) ** torch.rand(count, device=device)

    @property
    def finest(self) -> int:
        """1000, the steps of Song et al. 2021."""
        return 1000
