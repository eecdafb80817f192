"""The algebra of Gaussian processes against products of Gaussians, for each kind of process."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.diffusion.process import Process, spread
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving

PROCESSES: dict[str, Process] = {
    "cosine": VariancePreserving("cosine", 1000),
    "linear": VariancePreserving("linear", 50),
    "exploding": VarianceExploding(0.001, 1348.0),
}
any_process = st.sampled_from(list(PROCESSES.values()))
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def _two_times(process: Process, data: st.DataObject, least: int = 1) -> tuple[float, float]:
    """Times t > s of a step; the smallest s has `least` shortest steps below it."""
    times = process.times(process.finest)[::-1]
    t = data.draw(st.integers(least + 1, process.finest))
    return times[t], times[data.draw(st.integers(least, t - 1))]


@given(any_process, st.data())
def test_posterior_is_the_product_of_two_gaussians(process: Process, data: st.DataObject) -> None:
    t, s = _two_times(process, data)
    x0, x_t = data.draw(st.floats(-1, 1)), data.draw(st.floats(-3, 3))
    ratio = float(process.alpha(t) / process.alpha(s))
    step_variance, prior_variance = float(process.step_variance(t, s)), float(process.sigma(s)) ** 2
    variance = 1 / (1 / prior_variance + ratio**2 / step_variance)
    mean = variance * (float(process.alpha(s)) * x0 / prior_variance + ratio * x_t / step_variance)
    posterior = process.posterior(t, s)
    assert float(posterior.variance) == pytest.approx(variance, rel=1e-6)
    assert float(posterior.clean * x0 + posterior.noisy * x_t) == pytest.approx(mean, rel=1e-6, abs=1e-9)


@given(any_process, st.data())
def test_a_forward_step_leads_to_the_marginal_of_its_target(process: Process, data: st.DataObject) -> None:
    t, s = _two_times(process, data)
    ratio = process.alpha(t) / process.alpha(s)
    assert float(process.step_variance(t, s)) > 0
    assert torch.allclose(ratio**2 * process.sigma(s) ** 2 + process.step_variance(t, s), process.sigma(t) ** 2)


@given(any_process, st.data())
def test_a_posterior_step_leads_to_the_marginal_of_its_target(process: Process, data: st.DataObject) -> None:
    t, s = _two_times(process, data)
    for target in (s, 0):
        posterior = process.posterior(t, target)
        signal = posterior.clean + posterior.noisy * process.alpha(t)
        noise = posterior.noisy**2 * process.sigma(t) ** 2 + posterior.variance
        assert torch.allclose(signal, process.alpha(target))
        assert torch.allclose(noise, process.sigma(target) ** 2, atol=1e-12)


@given(any_process, st.data())
def test_learned_variance_runs_from_the_posteriors_to_the_forward_steps(process: Process, data: st.DataObject) -> None:
    t, s = _two_times(process, data, least=2)
    low, middle, high = process.log_variance(t, s, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64))
    assert float(low) == pytest.approx(float(process.posterior(t, s).variance.log()))
    assert float(high) == pytest.approx(float(process.step_variance(t, s).log()))
    assert float(middle) == pytest.approx(float(low + high) / 2)


@every_process
def test_learned_variance_of_the_last_step_is_that_of_the_step_before(process: Process) -> None:
    t, s, clean = process.times(process.finest)[-3:]
    low = process.log_variance(s, clean, torch.zeros(1, dtype=torch.float64))
    assert torch.allclose(low, process.posterior(t, s).variance.log())


@every_process
def test_drawn_noisy_images_have_the_marginal_of_their_time(process: Process) -> None:
    t = process.times(2)[1]
    noise = torch.randn((1, 1, 1, 1, 50_000), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mixed = process.add_noise(torch.full_like(noise, 0.7), noise, t)
    sigma = float(process.sigma(t))
    assert float(mixed.std()) == pytest.approx(sigma, rel=0.02)
    assert float(mixed.mean()) == pytest.approx(0.7 * float(process.alpha(t)), abs=0.02 * sigma)
    assert float(process.snr(t)) == pytest.approx((float(process.alpha(t)) / sigma) ** 2)


def test_noise_is_added_for_each_sample_of_a_batch() -> None:
    process = PROCESSES["cosine"]
    x0, noise = torch.randn(2, 3, 1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    mixed = process.add_noise(x0, noise, torch.tensor([0, 500, 1000]))
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed[0], x0[0])
    assert torch.allclose(mixed[1], process.add_noise(x0, noise, 500)[1])
    assert torch.allclose(mixed[2], noise[2], atol=1e-3)


@every_process
def test_the_prior_is_the_noise_of_the_last_time(process: Process) -> None:
    noise = torch.randn(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(process.prior(noise), noise * float(process.sigma(process.end)))


def test_spread_leaves_a_single_coefficient_a_number() -> None:
    assert spread(torch.tensor(2.0, dtype=torch.float64), torch.zeros(1, 1, 1, 1, 1)).shape == ()
    assert spread(torch.ones(2, dtype=torch.float64), torch.zeros(2, 1, 1, 1, 1)).shape == (2, 1, 1, 1, 1)
