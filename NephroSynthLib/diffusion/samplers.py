"""Samplers: from noise to an image by calls of a denoise function.

A sampler gets a function, not a network. The function may tile the volume and merge the tiles before it returns
(MultiDiffusion, Bar-Tal et al. 2023); the sampler is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.process import Process

Denoise = Callable[[Tensor, float], Prediction]
"""Predicts the clean image from a noisy one (B, C, z, y, x) and its time in the process."""

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
        """Samples an image, starting from the prior of the sampler's process.

        Args:
            denoise: Predicts the clean image.
            noise: Standard normal, (B, C, z, y, x); the process scales it to its prior.
            steps: Steps of the sampler, each of which calls `denoise`.
            generator: Source of further noise, on the device of `noise`; the same state gives the same image.
            on_step: Told the fraction done after each step.

        Returns:
            The image, the shape of the noise.
        """
        ...


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2) on respaced steps (Nichol & Dhariwal 2021, section 4).

    Uses the learned variance where the prediction has one, else the posterior's.

    Args:
        process: The process that the denoiser was trained on.
        clean_range: Limits of the clean image.
    """

    process: Process
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
        x = self.process.prior(noise)
        for index, (t, s) in enumerate(pairwise(self.process.times(steps))):
            clean, fraction = denoise(x, t)
            posterior = self.process.posterior(t, s)
            x = posterior.clean * _limit(clean, self.clean_range) + posterior.noisy * x
            if s > 0:
                fresh = _normal_like(x, generator)
                if fraction is None:
                    x = x + posterior.variance.sqrt() * fresh
                else:
                    x = x + torch.exp(0.5 * self.process.log_variance(t, s, fraction)) * fresh
            _report(on_step, index, steps)
        return x


@dataclass(frozen=True)
class DDIM:
    """Implicit sampling (Song et al. 2021, "DDIM", eq. 12), deterministic at eta 0.

    Args:
        process: The process that the denoiser was trained on.
        eta: Share of the ancestral noise in [0, 1]; 1 is DDPM with the posterior's variance.
        clean_range: Limits of the clean image.

    Raises:
        ValueError: The share lies outside [0, 1].
    """

    process: Process
    eta: float = 0.0
    clean_range: tuple[float, float] | None = (-1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise ValueError(f"The share of noise eta must lie in [0, 1], got {self.eta}.")

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int = 8,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """See `Sampler.sample`."""
        process, x = self.process, self.process.prior(noise)
        for index, (t, s) in enumerate(pairwise(process.times(steps))):
            clean = _limit(denoise(x, t).clean, self.clean_range)
            direction = (x - process.alpha(t) * clean) / process.sigma(t)
            variance = self.eta**2 * process.posterior(t, s).variance
            x = process.alpha(s) * clean + (process.sigma(s) ** 2 - variance).sqrt() * direction
            if self.eta > 0 and s > 0:
                x = x + variance.sqrt() * _normal_like(x, generator)
            _report(on_step, index, steps)
        return x


@dataclass(frozen=True)
class DPMSolver:
    """DPM-Solver++(2M) on the clean image (Lu et al. 2022, "DPM-Solver++", algorithm 2), deterministic.

    The first and the last step are of first order; the last returns the denoiser's clean image.

    Args:
        process: The process that the denoiser was trained on.
        clean_range: Limits of the clean image.
    """

    process: Process
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
        process, x = self.process, self.process.prior(noise)
        before, width_before = None, torch.tensor(0.0)
        for index, (t, s) in enumerate(pairwise(process.times(steps))):
            clean = _limit(denoise(x, t).clean, self.clean_range)
            width = (process.snr(s).log() - process.snr(t).log()) / 2  # h of algorithm 2, a step in log(alpha / sigma)
            estimate = clean
            if before is not None and s > 0:
                estimate = clean + (clean - before) * (width / (2 * width_before))
            ratio = process.sigma(s) / process.sigma(t)
            x = ratio * x - process.alpha(s) * torch.expm1(-width) * estimate
            before, width_before = clean, width
            _report(on_step, index, steps)
        return x


SAMPLERS: dict[str, Callable[[Process], Sampler]] = {"ddpm": DDPM, "ddim": DDIM, "dpm-solver++": DPMSolver}
"""Samplers of a process by the names that users give."""


def _limit(clean: Tensor, limits: tuple[float, float] | None) -> Tensor:
    return clean if limits is None else clean.clamp(*limits)


def _normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _report(on_step: OnStep | None, index: int, steps: int) -> None:
    if on_step is not None:
        on_step((index + 1) / steps)
