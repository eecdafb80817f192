"""Samplers: from noise to an image by calls of a denoise function.

A sampler gets the function, not the network: what it calls may tile the volume, merge the tiles and only then return
(MultiDiffusion, Bar-Tal et al. 2023), and the sampler need not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.schedule import Schedule

Denoise = Callable[[Tensor, int], Prediction]
"""What the clean image is, given a noisy one (B, C, z, y, x) and its step of the schedule."""

OnStep = Callable[[float], None]
"""Is told the fraction done, above 0 to 1, after each step; ends the sampling by raising."""


class Sampler(Protocol):
    """Anything that turns noise into an image."""

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int,
        generator: torch.Generator,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Samples an image.

        Args:
            denoise: predicts the clean image.
            noise: standard normal start, (B, C, z, y, x).
            steps: calls of `denoise`.
            generator: source of any further noise, on the device of `noise`; the same state gives the same image.
            on_step: told the fraction done after each step.

        Returns:
            The image, the shape of the noise.
        """
        ...


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2) on respaced steps (Nichol & Dhariwal 2021, section 4).

    Uses the learned variance where the prediction has one, else the posterior's.

    Args:
        schedule: the noise schedule of the denoiser.
        clean_range: limits of the clean image.
    """

    schedule: Schedule
    clean_range: tuple[float, float] | None = (-1.0, 1.0)

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int = 50,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """See `Sampler.sample`."""
        x = noise
        for index, (t, s) in enumerate(pairwise(self.schedule.timesteps(steps))):
            clean, fraction = denoise(x, t)
            posterior = self.schedule.posterior(t, s)
            x = posterior.clean * _limit(clean, self.clean_range) + posterior.noisy * x
            if s > 0:
                fresh = _normal_like(x, generator)
                if fraction is None:
                    x = x + posterior.variance.sqrt() * fresh
                else:
                    x = x + torch.exp(0.5 * self.schedule.log_variance(t, s, fraction)) * fresh
            _report(on_step, index, steps)
        return x


@dataclass(frozen=True)
class DDIM:
    """Implicit sampling (Song et al. 2021, eq. 12), deterministic at eta 0.

    Args:
        schedule: the noise schedule of the denoiser.
        eta: share of the ancestral noise; 1 is DDPM with the posterior's variance.
        clean_range: limits of the clean image.
    """

    schedule: Schedule
    eta: float = 0.0
    clean_range: tuple[float, float] | None = (-1.0, 1.0)

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int = 8,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """See `Sampler.sample`."""
        x = noise
        for index, (t, s) in enumerate(pairwise(self.schedule.timesteps(steps))):
            clean = _limit(denoise(x, t).clean, self.clean_range)
            direction = (x - self.schedule.alpha(t) * clean) / self.schedule.sigma(t)
            variance = self.eta**2 * self.schedule.posterior(t, s).variance
            x = self.schedule.alpha(s) * clean + (self.schedule.sigma(s) ** 2 - variance).sqrt() * direction
            if self.eta > 0 and s > 0:
                x = x + variance.sqrt() * _normal_like(x, generator)
            _report(on_step, index, steps)
        return x


@dataclass(frozen=True)
class DPMSolver:
    """DPM-Solver++(2M) on the clean image (Lu et al. 2022, "DPM-Solver++", algorithm 2), deterministic.

    The first and the last step are of first order; the last returns the denoiser's clean image.

    Args:
        schedule: the noise schedule of the denoiser.
        clean_range: limits of the clean image.
    """

    schedule: Schedule
    clean_range: tuple[float, float] | None = (-1.0, 1.0)

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int = 6,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """See `Sampler.sample`."""
        x, before, width_before = noise, None, torch.tensor(0.0)
        for index, (t, s) in enumerate(pairwise(self.schedule.timesteps(steps))):
            clean = _limit(denoise(x, t).clean, self.clean_range)
            width = (self.schedule.snr(s).log() - self.schedule.snr(t).log()) / 2
            estimate = clean
            if before is not None and s > 0:
                estimate = clean + (clean - before) * (width / (2 * width_before))
            ratio = self.schedule.sigma(s) / self.schedule.sigma(t)
            x = ratio * x - self.schedule.alpha(s) * torch.expm1(-width) * estimate
            before, width_before = clean, width
            _report(on_step, index, steps)
        return x


def _limit(clean: Tensor, limits: tuple[float, float] | None) -> Tensor:
    return clean if limits is None else clean.clamp(*limits)


def _normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _report(on_step: OnStep | None, index: int, steps: int) -> None:
    if on_step is not None:
        on_step((index + 1) / steps)
