from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.predictor_corrector import PredictorCorrector, inpainting
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding

MEAN, VARIANCE = 0.3, 0.25
PROCESS = VarianceExploding(0.001, 1348.0)
"""The noise of ASCII."""


def _gaussian(x: Tensor, t: float) -> Prediction:
    """The best denoiser of images that are normal with the mean and the variance above."""
    return Prediction((VARIANCE * x + t**2 * MEAN) / (VARIANCE + t**2))


def _noise(count: int = 40_000) -> Tensor:
    return torch.randn(1, 1, 1, 1, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("t", [0.001, 0.5, 40.0, 1348.0])
def test_the_marginals_are_those_of_the_exploding_sde(t: float) -> None:
    """Song et al. 2021, eq. 29: x_t is normal around x_0 with variance t^2, so around the mean with VARIANCE + t^2."""
    generator = torch.Generator().manual_seed(1)
    x0 = MEAN + VARIANCE**0.5 * torch.randn(_noise().shape, generator=generator, dtype=torch.float64)
    x_t = PROCESS.add_noise(x0, _noise(), t)
    assert float(x_t.var()) == pytest.approx(VARIANCE + t**2, rel=0.03)
    assert float(x_t.mean()) == pytest.approx(MEAN, abs=0.02 * (VARIANCE + t**2) ** 0.5)


def test_the_predictor_follows_the_closed_form_of_its_variance() -> None:
    steps, variance = 30, PROCESS.end**2
    for t, s in pairwise(PROCESS.times(steps)):
        gap = t**2 - s**2
        variance = variance * (1 - gap / (VARIANCE + t**2)) ** 2 + (gap if s > 0 else 0.0)
    sampler = PredictorCorrector(PROCESS, signal_to_noise=0, clean_range=None)
    sample = sampler.sample(_gaussian, _noise(), steps, torch.Generator().manual_seed(2))
    assert float(sample.var()) == pytest.approx(variance, rel=0.03)


def test_with_the_corrector_the_sample_has_the_mean_and_the_variance_of_the_data() -> None:
    sampler = PredictorCorrector(PROCESS, clean_range=None)
    sample = sampler.sample(_gaussian, _noise(), 200, torch.Generator().manual_seed(2))
    assert float(sample.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(sample.var()) == pytest.approx(VARIANCE, rel=0.06)


def test_each_step_but_the_last_calls_the_denoiser_twice() -> None:
    calls, told = [], []

    def counted(x: Tensor, t: float) -> Prediction:
        calls.append(t)
        return _gaussian(x, t)

    PredictorCorrector(PROCESS).sample(counted, _noise(10), 5, torch.Generator().manual_seed(0), told.append)
    assert len(calls) == 9
    assert told == [0.2, 0.4, 0.6, 0.8, 1.0]


def test_an_inpainted_channel_follows_the_known_one() -> None:
    """Two equal channels: the joint posterior of both is that of one observed at half the variance of the noise."""

    def twins(x: Tensor, t: float) -> Prediction:
        pooled = x.mean(1, keepdim=True)
        clean = (VARIANCE * pooled + t**2 / 2 * MEAN) / (VARIANCE + t**2 / 2)
        return Prediction(clean.expand_as(x))

    known = torch.linspace(-0.5, 1.0, 200, dtype=torch.float64).reshape(1, 1, 1, 1, 200)
    noise = torch.randn(1, 2, 1, 1, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    told = inpainting(twins, known, PROCESS, generator)
    sample = PredictorCorrector(PROCESS, clean_range=None).sample(told, noise, 100, generator)
    torch.testing.assert_close(sample[:, :1], known, atol=1e-6, rtol=0)
    assert float((sample[:, 1:] - known).abs().max()) < 0.05
