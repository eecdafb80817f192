"""Gaussian diffusion processes: how much image and how much noise a noisy image holds at each time.

Everything that samplers and losses need follows from two functions of the time, alpha and sigma (Kingma et al. 2021,
"Variational Diffusion Models", appendix A; Karras et al. 2022, "EDM", section 2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

Time = Tensor | float
"""A time of a process: one number, or one for each sample of a batch, shape (B,)."""


class Posterior(NamedTuple):
    """The distribution q(x_s | x_t, x_0) of a step from t to s, whose mean is clean * x_0 + noisy * x_t.

    Attributes:
        clean: Weight of the clean image x_0, float64, the shape of t.
        noisy: Weight of the noisy image x_t, likewise.
        variance: Variance of x_s, likewise.
    """

    clean: Tensor
    noisy: Tensor
    variance: Tensor


class Process(ABC):
    """A process x_t = alpha(t) x_0 + sigma(t) noise from the clean image at t = 0 to noise at t = `end`.

    Coefficients are float64 on the CPU, whatever the device of t; `spread` carries them to a volume. Any two times
    s < t make a step, so that a sampler may take few steps of a process that was trained on many.

    Attributes:
        end: The time at which the image is lost in noise.
    """

    end: float

    @abstractmethod
    def alpha(self, t: Time) -> Tensor:
        """Returns the factor of the clean image in x_t."""

    @abstractmethod
    def sigma(self, t: Time) -> Tensor:
        """Returns the standard deviation of the noise in x_t."""

    @abstractmethod
    def label(self, t: Tensor) -> Tensor:
        """Returns the time as networks see it: a number from 0 (clean) to 1000 (noise) for each sample."""

    @abstractmethod
    def times(self, count: int) -> Sequence[float]:
        """Returns the times of a sampler: count + 1 numbers that fall from `end` to 0.

        Raises:
            ValueError: The process has no such number of steps.
        """

    @abstractmethod
    def random_times(self, count: int, device: torch.device) -> Tensor:
        """Returns random times for a training batch, (count,), from torch's global generator."""

    @property
    @abstractmethod
    def finest(self) -> int:
        """The number of the shortest steps that the process is split into."""

    def prior(self, noise: Tensor) -> Tensor:
        """Returns x_end from which a sampler starts, given standard normal noise."""
        return self.sigma(self.end) * noise

    def snr(self, t: Time) -> Tensor:
        """Returns the signal-to-noise ratio alpha^2 / sigma^2; infinite at t = 0."""
        return self.alpha(t) ** 2 / self.sigma(t) ** 2

    def add_noise(self, x0: Tensor, noise: Tensor, t: Time) -> Tensor:
        """Returns x_t drawn from q(x_t | x_0) (Ho et al. 2020, eq. 4) with the given standard normal noise."""
        return spread(self.alpha(t), x0) * x0 + spread(self.sigma(t), x0) * noise

    def step_variance(self, t: Time, s: Time) -> Tensor:
        """Returns the variance of q(x_t | x_s) for s < t: beta of Ho et al. 2020 (Kingma et al. 2021, eq. 20)."""
        return self.sigma(t) ** 2 - (self.alpha(t) / self.alpha(s)) ** 2 * self.sigma(s) ** 2

    def posterior(self, t: Time, s: Time) -> Posterior:
        """Returns q(x_s | x_t, x_0) for s < t (Ho et al. 2020, eqs. 6 and 7; Kingma et al. 2021, eq. 25)."""
        added, before, after = self.step_variance(t, s), self.sigma(s) ** 2, self.sigma(t) ** 2
        return Posterior(
            clean=self.alpha(s) * added / after,
            noisy=self.alpha(t) / self.alpha(s) * before / after,
            variance=before / after * added,
        )

    def log_variance(self, t: Time, s: Time, fraction: Tensor) -> Tensor:
        """Returns the learned log variance of a step from t to s (Nichol & Dhariwal 2021, eq. 15; MT-DDPM, eq. 16).

        The fraction runs from the posterior's variance (0) to that of the forward step (1) on the logarithmic scale.
        The posterior's variance is zero at s = 0. There the value of the shortest step before it is used, as in the
        code of Nichol and Dhariwal.

        Args:
            t: Time to leave, one number or shape (B,).
            s: Time to reach, less than t, like t.
            fraction: v, shape (B, C, z, y, x).

        Returns:
            Tensor with the shape of the fraction.
        """
        low = torch.maximum(self.posterior(t, s).variance, self._least_variance).log()
        high = torch.maximum(self.step_variance(t, s), self._least_variance).log()
        return spread(low, fraction) + fraction * spread(high - low, fraction)

    @cached_property
    def _least_variance(self) -> Tensor:
        t, s, _ = self.times(self.finest)[-3:]
        return self.posterior(t, s).variance


def spread(coefficient: Tensor, volume: Tensor) -> Tensor:
    """Returns a coefficient, () or (B,), with the device, type and number of dimensions of a volume (B, ...)."""
    coefficient = coefficient.to(volume.dtype).to(volume.device)
    return coefficient.reshape(coefficient.shape + (1,) * (volume.dim() - 1)) if coefficient.dim() else coefficient
