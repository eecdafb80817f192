"""Variance-preserving noise schedules and the Gaussian algebra between any two of their steps.

Step 0 is the clean image and step T pure noise: the signal that is left at T, a factor below 1e-4, is too small to
tell a sampler anything (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed").
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

ScheduleKind = Literal["cosine", "linear"]

MAX_BETA = 0.999  # Nichol & Dhariwal 2021, below eq. 17; also keeps the signal-to-noise ratio of step T above zero.
MAX_STEPS = 100_000


class Posterior(NamedTuple):
    """q(x_s | x_t, x_0) of a step t to s: mean = clean * x_0 + noisy * x_t; float64, the shape of t."""

    clean: Tensor
    noisy: Tensor
    variance: Tensor


class Schedule:
    """How much signal and noise each step t of 0 (clean) to T (noise) holds: x_t = alpha x_0 + sigma noise.

    Coefficients are float64 on the CPU whatever the device of t; `spread` carries them to a volume. Taking any
    s < t makes respacing a mere choice of steps.

    Args:
        kind: 'cosine' (Nichol & Dhariwal 2021, eq. 17) or 'linear' (Ho et al. 2020, section 4), rescaled to end
            in noise (Lin et al. 2024, algorithm 1).
        steps: T, the number of training steps.

    Raises:
        ValueError: unknown kind, or steps not from 2 to 100,000.
    """

    def __init__(self, kind: ScheduleKind = "cosine", steps: int = 1000) -> None:
        if kind not in get_args(ScheduleKind):
            raise ValueError(f"Unknown schedule '{kind}'; there are {', '.join(get_args(ScheduleKind))}.")
        if not 2 <= steps <= MAX_STEPS:
            raise ValueError(f"A schedule has from 2 to {MAX_STEPS} steps, got {steps}.")
        self.kind = kind
        self.steps = steps
        self.alpha_bar = _limit_betas(_cosine(steps) if kind == "cosine" else _linear(steps))

    def alpha(self, t: Tensor | int) -> Tensor:
        """Factor of the clean image in x_t."""
        return self._at(t).sqrt()

    def sigma(self, t: Tensor | int) -> Tensor:
        """Standard deviation of the noise in x_t."""
        return (1 - self._at(t)).sqrt()

    def snr(self, t: Tensor | int) -> Tensor:
        """Signal-to-noise ratio alpha^2 / sigma^2; infinite at t = 0."""
        return self._at(t) / (1 - self._at(t))

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor | int) -> Tensor:
        """Draws x_t from q(x_t | x_0) (Ho et al. 2020, eq. 4) with the given standard normal noise."""
        return spread(self.alpha(t), x0) * x0 + spread(self.sigma(t), x0) * noise

    def posterior(self, t: Tensor | int, s: Tensor | int) -> Posterior:
        """Mean weights and variance of q(x_s | x_t, x_0) for s < t (Ho et al. 2020, eqs. 6 and 7)."""
        at, as_ = self._at(t), self._at(s)
        beta = 1 - at / as_
        return Posterior(
            clean=as_.sqrt() * beta / (1 - at),
            noisy=(at / as_).sqrt() * (1 - as_) / (1 - at),
            variance=(1 - as_) / (1 - at) * beta,
        )

    def log_variance(self, t: Tensor | int, s: Tensor | int, fraction: Tensor) -> Tensor:
        """Learned log variance of a step t to s (Nichol & Dhariwal 2021, eq. 15; MT-DDPM, eq. 16).

        The fraction runs from beta tilde (0) to beta (1) on the logarithmic scale. Where beta tilde is zero (s = 0)
        the value of the step 2 to 1 stands in, as in Nichol & Dhariwal's code.

        Args:
            t: step to leave, one number or shape (B,).
            s: step to reach, less than t, like t.
            fraction: v, shape (B, C, z, y, x).

        Returns:
            Tensor with the shape of the fraction.
        """
        smallest = self.posterior(2, 1).variance
        low = torch.maximum(self.posterior(t, s).variance, smallest).log()
        high = torch.maximum(1 - self._at(t) / self._at(s), smallest).log()
        return spread(low, fraction) + fraction * spread(high - low, fraction)

    def timesteps(self, count: int) -> list[int]:
        """The steps of a sampler: count + 1 numbers evenly down from T to 0 ('trailing', Lin et al. 2024, table 2).

        Raises:
            ValueError: the count is not from 1 to T.
        """
        if not 1 <= count <= self.steps:
            raise ValueError(f"Sampling steps must be from 1 to {self.steps}, got {count}.")
        return [round(self.steps * (count - index) / count) for index in range(count + 1)]

    def _at(self, t: Tensor | int) -> Tensor:
        return self.alpha_bar[t.cpu() if isinstance(t, Tensor) else t]


def spread(coefficient: Tensor, volume: Tensor) -> Tensor:
    """A coefficient, one or one for each sample (B,), with the device, type and dimensions of a volume (B, ...)."""
    coefficient = coefficient.to(volume.dtype).to(volume.device)
    return coefficient.reshape(coefficient.shape + (1,) * (volume.dim() - 1)) if coefficient.dim() else coefficient


def _cosine(steps: int) -> Tensor:
    """Nichol & Dhariwal 2021, eq. 17, with s = 0.008."""
    t = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    return f / f[0]


def _linear(steps: int) -> Tensor:
    """Betas from 1e-4 to 0.02 at T = 1000 (Ho et al. 2020), rescaled to no signal at T (Lin et al. 2024, alg. 1)."""
    scale = 1000 / steps
    beta = torch.linspace(1e-4 * scale, min(0.02 * scale, MAX_BETA), steps, dtype=torch.float64)
    root = torch.cumprod(1 - beta, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return torch.cat([torch.ones(1, dtype=torch.float64), root**2])


def _limit_betas(alpha_bar: Tensor) -> Tensor:
    beta = (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=MAX_BETA)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])
