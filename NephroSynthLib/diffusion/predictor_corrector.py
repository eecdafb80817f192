"""The predictor-corrector sampler of score-based diffusion (Song et al. 2021, algorithm 2), and inpainting by it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.process import spread
from NephroSynthLib.diffusion.samplers import Denoise, OnStep
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding


@dataclass(frozen=True)
class PredictorCorrector:
    """Reverse diffusion as predictor and annealed Langevin dynamics as corrector, for a variance-exploding process.

    The score of x_t is (D(x_t, t) - x_t) / t^2 (Karras et al. 2022, eq. 3). A step calls the denoiser twice, the last
    one once; it returns the clean image.

    Args:
        process: The process, whose time is the standard deviation of the noise.
        signal_to_noise: r of Song et al. 2021, algorithm 5; 0 leaves out the corrector.
        clean_range: Limits of the clean image.
    """

    process: VarianceExploding
    signal_to_noise: float = 0.16
    clean_range: tuple[float, float] | None = (-1.0, 1.0)

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int = 100,
        generator: torch.Generator | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """See `Sampler.sample`."""
        x = self.process.prior(noise)
        for index, (t, s) in enumerate(pairwise(self.process.times(steps))):
            added = t**2 - s**2
            x = x + added * self._score(denoise, x, t)
            if s > 0:
                x = x + added**0.5 * _normal(x, generator)
                x = self._corrected(denoise, x, s, generator)
            if on_step is not None:
                on_step((index + 1) / steps)
        return x

    def _score(self, denoise: Denoise, x: Tensor, t: float) -> Tensor:
        clean = denoise(x, t).clean
        return ((clean if self.clean_range is None else clean.clamp(*self.clean_range)) - x) / t**2

    def _corrected(self, denoise: Denoise, x: Tensor, t: float, generator: torch.Generator | None) -> Tensor:
        """One step of Langevin dynamics (Song et al. 2021, algorithm 5)."""
        if self.signal_to_noise == 0:
            return x
        score, z = self._score(denoise, x, t), _normal(x, generator)
        size = 2 * (self.signal_to_noise * _norm(z) / _norm(score).clamp(min=1e-12)) ** 2
        return x + spread(size, x) * score + spread((2 * size).sqrt(), x) * z


def inpainting(
    denoise: Denoise, known: Tensor, process: VarianceExploding, generator: torch.Generator | None
) -> Denoise:
    """Returns a denoiser that is told the first channels of the image (Song et al. 2021, appendix I.2).

    At each call it puts the known channels, with noise of the present strength, in place of the noisy ones.

    Args:
        denoise: The denoiser of all channels.
        known: The known channels, (B, K, z, y, x).
        process: The process.
        generator: Source of the noise.
    """

    def told(x: Tensor, t: float) -> Prediction:
        noisy = process.add_noise(known, _normal(known, generator), t)
        clean = denoise(torch.cat([noisy, x[:, known.shape[1] :]], dim=1), t).clean
        return Prediction(torch.cat([known, clean[:, known.shape[1] :]], dim=1))

    return told


def _normal(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)
