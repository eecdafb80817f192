"""Samplers against Gaussian data, of which the best denoiser is known, and against MONAI's schedulers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.samplers import DDIM, DDPM, Denoise, DPMSolver, Sampler
from NephroSynthLib.diffusion.schedule import Schedule

MEAN, DEVIATION = 0.3, 0.2
SCHEDULE = Schedule("cosine", 1000)
UNLIMITED = {"clean_range": None}
SAMPLERS: list[Sampler] = [
    DDPM(SCHEDULE, **UNLIMITED),
    DDIM(SCHEDULE, **UNLIMITED),
    DDIM(SCHEDULE, eta=1.0, **UNLIMITED),
    DPMSolver(SCHEDULE, **UNLIMITED),
]


def _variance_of_clean(schedule: Schedule, t: int) -> float:
    """Variance of x_0 given x_t, for Gaussian data."""
    alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
    return DEVIATION**2 * sigma**2 / (alpha**2 * DEVIATION**2 + sigma**2)


def _gaussian_denoiser(schedule: Schedule) -> Callable[[Tensor, int], Prediction]:
    """The best denoiser of Gaussian data: the mean of x_0 given x_t."""

    def denoise(x: Tensor, t: int) -> Prediction:
        alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
        gain = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
        return Prediction(MEAN + gain * (x - alpha * MEAN))

    return denoise


def _noise(voxels: int = 40_000, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn((1, 1, 1, 1, voxels), generator=torch.Generator().manual_seed(1), dtype=dtype)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("schedule", [SCHEDULE, Schedule("linear", 1000)], ids=["cosine", "linear"])
@pytest.mark.parametrize("sampler", [DDPM, DDIM, DPMSolver])
def test_converges_to_the_distribution_of_the_data(sampler: type, schedule: Schedule) -> None:
    image = sampler(schedule, clean_range=None).sample(_gaussian_denoiser(schedule), _noise(), 1000, _generator())
    assert float(image.mean()) == pytest.approx(MEAN, abs=4 * DEVIATION / 200)
    assert float(image.std()) == pytest.approx(DEVIATION, rel=0.015)
    quantiles = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    expected = MEAN + DEVIATION * torch.erfinv(2 * quantiles - 1) * math.sqrt(2)
    assert torch.allclose(image.flatten().quantile(quantiles), expected, atol=0.01)


@pytest.mark.parametrize("steps", [1, 4, 8])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_few_steps_from_pure_noise_keep_the_mean(sampler: Sampler, steps: int) -> None:
    image = sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(), steps, _generator())
    assert float(image.mean()) == pytest.approx(MEAN, abs=4 * DEVIATION / 200)


@pytest.mark.parametrize(
    ("sampler", "order"), [(DDIM(SCHEDULE, **UNLIMITED), 1), (DPMSolver(SCHEDULE, **UNLIMITED), 2)]
)
def test_error_falls_with_the_order_of_the_solver(sampler: Sampler, order: int) -> None:
    """The flow of the data's Gaussian carries noise z to mean + deviation * z."""
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(1, 1, 1, 1, -1)
    images = [sampler.sample(_gaussian_denoiser(SCHEDULE), noise, steps, _generator()) for steps in (25, 50, 100)]
    errors = [float((image - MEAN - DEVIATION * noise).abs().max()) for image in images]
    rates = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(rates) > order - 0.35
    assert errors[-1] < 0.02


def test_second_order_is_closer_than_first_order() -> None:
    exact = MEAN + DEVIATION * _noise()
    denoise = _gaussian_denoiser(SCHEDULE)
    error = {
        sampler: float((sampler(SCHEDULE, clean_range=None).sample(denoise, _noise(), 25, _generator()) - exact).std())
        for sampler in (DDIM, DPMSolver)
    }
    assert error[DPMSolver] < 0.5 * error[DDIM]


def test_a_data_prediction_that_is_constant_is_solved_exactly_in_any_number_of_steps() -> None:
    def denoise(x: Tensor, t: int) -> Prediction:
        return Prediction(torch.full_like(x, MEAN))

    for steps in (1, 2, 5):
        image = DPMSolver(SCHEDULE).sample(denoise, _noise(100), steps, _generator())
        assert torch.allclose(image, torch.full_like(image, MEAN))


def test_the_right_learned_variance_makes_few_ancestral_steps_exact() -> None:
    """With the true variance of each step, x_s is distributed as it should be however long the step."""
    schedule, steps = SCHEDULE, 5
    step_to = dict(zip(schedule.timesteps(steps), schedule.timesteps(steps)[1:], strict=False))
    exact = _gaussian_denoiser(schedule)

    def denoise(x: Tensor, t: int) -> Prediction:
        s = step_to[t]
        posterior = schedule.posterior(t, s)
        variance = posterior.variance + posterior.clean**2 * _variance_of_clean(schedule, t)
        low, high = (schedule.log_variance(t, s, torch.tensor(v, dtype=torch.float64)) for v in (0.0, 1.0))
        return Prediction(exact(x, t).clean, ((variance.log() - low) / (high - low)).expand(x.shape))

    image = DDPM(schedule, clean_range=None).sample(denoise, _noise(), steps, _generator())
    last = schedule.timesteps(steps)[-2]
    expected = math.sqrt(DEVIATION**2 - _variance_of_clean(schedule, last))  # the last step returns the mean
    assert float(image.std()) == pytest.approx(expected, rel=0.02)
    fixed = DDPM(schedule, clean_range=None).sample(exact, _noise(), steps, _generator())
    assert abs(float(fixed.std()) - expected) > 5 * abs(float(image.std()) - expected)


def test_ddim_with_all_its_noise_is_ddpm() -> None:
    denoise = _gaussian_denoiser(SCHEDULE)
    ddpm = DDPM(SCHEDULE).sample(denoise, _noise(100), 10, _generator(3))
    ddim = DDIM(SCHEDULE, eta=1.0).sample(denoise, _noise(100), 10, _generator(3))
    assert torch.allclose(ddpm, ddim, atol=1e-9)


def _monai_samples(scheduler: DDPMScheduler | DDIMScheduler, denoise: Denoise, x: Tensor) -> Tensor:
    schedule = Schedule("cosine", scheduler.num_train_timesteps)
    scheduler.alphas_cumprod = schedule.alpha_bar[1:]
    scheduler.alphas = schedule.alpha_bar[1:] / schedule.alpha_bar[:-1]
    scheduler.betas = 1 - scheduler.alphas
    scheduler.set_timesteps(scheduler.num_train_timesteps)
    options = {"generator": _generator(7)} if isinstance(scheduler, DDPMScheduler) else {"eta": 0.0}
    for t in scheduler.timesteps.tolist():
        x, _ = scheduler.step(denoise(x, t + 1).clean, t, x, **options)
    return x


@pytest.mark.parametrize("sampler", [DDPM, DDIM])
def test_agrees_with_monai_on_every_training_step(sampler: type) -> None:
    schedule = Schedule("cosine", 30)
    monai = {DDPM: DDPMScheduler, DDIM: DDIMScheduler}[sampler](
        num_train_timesteps=30, schedule="cosine", prediction_type="sample", clip_sample=False
    )
    denoise, noise = _gaussian_denoiser(schedule), _noise(50, torch.float32)
    ours = sampler(schedule, clean_range=None).sample(denoise, noise, 30, _generator(7))
    assert torch.allclose(ours, _monai_samples(monai, denoise, noise).float(), atol=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_the_generator_alone_decides(sampler: Sampler) -> None:
    before = torch.get_rng_state()
    images = [sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(100), 5, _generator(seed)) for seed in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(images[0], images[1])
    deterministic = isinstance(sampler, DPMSolver) or (isinstance(sampler, DDIM) and sampler.eta == 0)
    assert torch.equal(images[0], images[2]) == deterministic


@pytest.mark.parametrize("sampler", [DDPM(SCHEDULE), DDIM(SCHEDULE), DPMSolver(SCHEDULE)], ids=repr)
def test_the_clean_image_stays_in_its_range(sampler: Sampler) -> None:
    image = sampler.sample(lambda x, t: Prediction(5 * x), _noise(100), 6, _generator())
    assert float(image.abs().max()) <= 1 + 1e-9


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_tells_each_step_and_asks_at_each_timestep_once(sampler: Sampler) -> None:
    told, asked = [], []

    def denoise(x: Tensor, t: int) -> Prediction:
        asked.append(t)
        return Prediction(0.5 * x)

    sampler.sample(denoise, _noise(10), 4, _generator(), told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert asked == [1000, 750, 500, 250]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_ends_when_told_to(sampler: Sampler) -> None:
    class EnoughError(Exception):
        pass

    def stop(done: float) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(10), 4, _generator(), stop)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_keeps_single_precision(sampler: Sampler) -> None:
    image = sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(10, torch.float32), 4, _generator())
    assert image.dtype == torch.float32
