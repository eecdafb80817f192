"""Samplers against Gaussian data, of which the best denoiser is known, and against MONAI's schedulers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.process import Process
from NephroSynthLib.diffusion.samplers import DDIM, DDPM, Denoise, DPMSolver, OnStep, Sampler
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving

MEAN, DEVIATION = 0.3, 0.2
SCHEDULE = VariancePreserving("cosine", 1000)
EXPLODING = VarianceExploding(0.001, 50.0)
PROCESSES: dict[str, Process] = {
    "cosine": SCHEDULE,
    "linear": VariancePreserving("linear", 1000),
    "exploding": EXPLODING,
}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
UNLIMITED = {"clean_range": None}
SAMPLERS: list[Sampler] = [
    DDPM(SCHEDULE, **UNLIMITED),
    DDIM(SCHEDULE, **UNLIMITED),
    DDIM(SCHEDULE, eta=1.0, **UNLIMITED),
    DPMSolver(SCHEDULE, **UNLIMITED),
]
IDS = ["ddpm", "ddim", "ddim with noise", "dpm-solver++"]


def _variance_of_clean(process: Process, t: float) -> float:
    """Variance of x_0 given x_t, for Gaussian data."""
    alpha, sigma = float(process.alpha(t)), float(process.sigma(t))
    return DEVIATION**2 * sigma**2 / (alpha**2 * DEVIATION**2 + sigma**2)


def _gaussian_denoiser(process: Process) -> Denoise:
    """The best denoiser of Gaussian data: the mean of x_0 given x_t."""

    def denoise(x: Tensor, t: float) -> Prediction:
        alpha, sigma = float(process.alpha(t)), float(process.sigma(t))
        gain = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
        return Prediction(MEAN + gain * (x - alpha * MEAN))

    return denoise


def _end_of_flow(process: Process, noise: Tensor) -> Tensor:
    """The clean image to which the probability flow of Gaussian data carries the prior (Song et al. 2021, eq. 13)."""
    alpha, sigma = float(process.alpha(process.end)), float(process.sigma(process.end))
    deviation = math.sqrt(alpha**2 * DEVIATION**2 + sigma**2)
    return MEAN + DEVIATION * (process.prior(noise) - alpha * MEAN) / deviation


def _noise(voxels: int = 40_000, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn((1, 1, 1, 1, voxels), generator=torch.Generator().manual_seed(1), dtype=dtype)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every_process
@pytest.mark.parametrize("sampler", [DDPM, DDIM, DPMSolver])
def test_converges_to_the_distribution_of_the_data(sampler: type, process: Process) -> None:
    image = sampler(process, clean_range=None).sample(_gaussian_denoiser(process), _noise(), 1000, _generator())
    assert float(image.mean()) == pytest.approx(MEAN, abs=4 * DEVIATION / 200)
    assert float(image.std()) == pytest.approx(DEVIATION, rel=0.015)
    quantiles = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    expected = MEAN + DEVIATION * torch.erfinv(2 * quantiles - 1) * math.sqrt(2)
    assert torch.allclose(image.flatten().quantile(quantiles), expected, atol=0.01)


@every_process
def test_noisy_images_on_the_way_have_the_marginals_of_the_process(process: Process) -> None:
    seen: dict[float, Tensor] = {}
    best = _gaussian_denoiser(process)

    def denoise(x: Tensor, t: float) -> Prediction:
        seen[t] = x
        return best(x, t)

    DPMSolver(process, clean_range=None).sample(denoise, _noise(), 100, _generator())
    for t in process.times(100)[10:-1:20]:
        alpha, sigma = float(process.alpha(t)), float(process.sigma(t))
        deviation = math.sqrt(alpha**2 * DEVIATION**2 + sigma**2)
        assert float(seen[t].std()) == pytest.approx(deviation, rel=0.02)
        assert float(seen[t].mean()) == pytest.approx(alpha * MEAN, abs=5 * deviation / 200)


@every_process
def test_ddim_keeps_the_noise_of_an_image_that_is_known(process: Process) -> None:
    """For data of one image, each DDIM step is exact: x_t = alpha x_0 + sigma noise, however long the step."""
    noise, seen = _noise(100), {}

    def denoise(x: Tensor, t: float) -> Prediction:
        seen[t] = x
        return Prediction(torch.full_like(x, MEAN))

    image = DDIM(process).sample(denoise, noise, 7, _generator())
    assert torch.allclose(image, torch.full_like(image, MEAN))
    lost = float(process.alpha(process.end) / process.sigma(process.end)) * MEAN  # the prior holds no image
    for t, x in seen.items():
        exact = process.alpha(t) * MEAN + process.sigma(t) * (noise - lost)
        assert torch.allclose(x, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("steps", [1, 4, 8])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_few_steps_from_pure_noise_keep_the_mean(sampler: Sampler, steps: int) -> None:
    image = sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(), steps, _generator())
    assert float(image.mean()) == pytest.approx(MEAN, abs=4 * DEVIATION / 200)


@pytest.mark.parametrize("process", [SCHEDULE, EXPLODING], ids=["preserving", "exploding"])
@pytest.mark.parametrize(("sampler", "order"), [(DDIM, 1), (DPMSolver, 2)])
def test_error_falls_with_the_order_of_the_solver(sampler: type, order: int, process: Process) -> None:
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(1, 1, 1, 1, -1)
    solver = sampler(process, clean_range=None)
    images = [solver.sample(_gaussian_denoiser(process), noise, steps, _generator()) for steps in (25, 50, 100)]
    errors = [float((image - _end_of_flow(process, noise)).abs().max()) for image in images]
    rates = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(rates) > order - 0.35
    assert errors[-1] < 0.02


def test_second_order_is_closer_than_first_order() -> None:
    denoise = _gaussian_denoiser(SCHEDULE)
    error = {}
    for sampler in (DDIM, DPMSolver):
        image = sampler(SCHEDULE, clean_range=None).sample(denoise, _noise(), 25, _generator())
        error[sampler] = float((image - _end_of_flow(SCHEDULE, _noise())).std())
    assert error[DPMSolver] < 0.5 * error[DDIM]


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan])
def test_refuses_a_share_of_noise_outside_0_to_1(eta: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        DDIM(SCHEDULE, eta=eta)


@dataclass(frozen=True)
class PredictorCorrector:
    """Reverse diffusion and one Langevin step at each noise level (Song et al. 2021, algorithm 2)."""

    process: Process
    ratio: float = 0.16

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int,
        generator: torch.Generator,
        on_step: OnStep | None = None,
    ) -> Tensor:
        def score(x: Tensor, t: float) -> Tensor:
            return (self.process.alpha(t) * denoise(x, t).clean - x) / self.process.sigma(t) ** 2

        x = self.process.prior(noise)
        *levels, last, _ = self.process.times(steps)
        for t, s in pairwise([*levels, last]):
            variance = self.process.step_variance(t, s)
            x = x + variance * score(x, t) + variance.sqrt() * self._normal(x, generator)
            slope, fresh = score(x, s), self._normal(x, generator)
            step = 2 * (self.ratio * fresh.norm() / slope.norm()) ** 2
            x = x + step * slope + (2 * step).sqrt() * fresh
        return denoise(x, last).clean

    def _normal(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return torch.randn(x.shape, generator=generator, dtype=x.dtype)


def test_a_predictor_and_corrector_needs_no_more_than_a_process_and_a_denoiser() -> None:
    sampler: Sampler = PredictorCorrector(EXPLODING)
    image = sampler.sample(_gaussian_denoiser(EXPLODING), _noise(), 200, _generator())
    assert float(image.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(image.std()) == pytest.approx(DEVIATION, rel=0.05)


def test_a_data_prediction_that_is_constant_is_solved_exactly_in_any_number_of_steps() -> None:
    def denoise(x: Tensor, t: float) -> Prediction:
        return Prediction(torch.full_like(x, MEAN))

    for steps in (1, 2, 5):
        image = DPMSolver(SCHEDULE).sample(denoise, _noise(100), steps, _generator())
        assert torch.allclose(image, torch.full_like(image, MEAN))


def test_the_right_learned_variance_makes_few_ancestral_steps_exact() -> None:
    """With the true variance of each step, x_s is distributed as it should be however long the step."""
    schedule, steps = SCHEDULE, 5
    step_to = dict(zip(schedule.times(steps), schedule.times(steps)[1:], strict=False))
    exact = _gaussian_denoiser(schedule)

    def denoise(x: Tensor, t: float) -> Prediction:
        s = step_to[t]
        posterior = schedule.posterior(t, s)
        variance = posterior.variance + posterior.clean**2 * _variance_of_clean(schedule, t)
        low, high = (schedule.log_variance(t, s, torch.tensor(v, dtype=torch.float64)) for v in (0.0, 1.0))
        return Prediction(exact(x, t).clean, ((variance.log() - low) / (high - low)).expand(x.shape))

    image = DDPM(schedule, clean_range=None).sample(denoise, _noise(), steps, _generator())
    last = schedule.times(steps)[-2]
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
    schedule = VariancePreserving("cosine", scheduler.num_train_timesteps)
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
    schedule = VariancePreserving("cosine", 30)
    monai = {DDPM: DDPMScheduler, DDIM: DDIMScheduler}[sampler](
        num_train_timesteps=30, schedule="cosine", prediction_type="sample", clip_sample=False
    )
    denoise, noise = _gaussian_denoiser(schedule), _noise(50, torch.float32)
    ours = sampler(schedule, clean_range=None).sample(denoise, noise, 30, _generator(7))
    assert torch.allclose(ours, _monai_samples(monai, denoise, noise).float(), atol=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_the_generator_alone_decides(sampler: Sampler) -> None:
    before = torch.get_rng_state()
    images = [sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(100), 5, _generator(seed)) for seed in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(images[0], images[1])
    deterministic = isinstance(sampler, DPMSolver) or (isinstance(sampler, DDIM) and sampler.eta == 0)
    assert torch.equal(images[0], images[2]) == deterministic


@pytest.mark.parametrize("sampler", [DDPM(SCHEDULE), DDIM(SCHEDULE), DPMSolver(SCHEDULE)], ids=IDS[:2] + IDS[3:])
def test_the_clean_image_stays_in_its_range(sampler: Sampler) -> None:
    image = sampler.sample(lambda x, t: Prediction(5 * x), _noise(100), 6, _generator())
    assert float(image.abs().max()) <= 1 + 1e-9


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_tells_each_step_and_asks_at_each_timestep_once(sampler: Sampler) -> None:
    told, asked = [], []

    def denoise(x: Tensor, t: float) -> Prediction:
        asked.append(t)
        return Prediction(0.5 * x)

    sampler.sample(denoise, _noise(10), 4, _generator(), told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert asked == [1000, 750, 500, 250]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_ends_when_told_to(sampler: Sampler) -> None:
    class EnoughError(Exception):
        pass

    def stop(done: float) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(10), 4, _generator(), stop)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_keeps_single_precision(sampler: Sampler) -> None:
    image = sampler.sample(_gaussian_denoiser(SCHEDULE), _noise(10, torch.float32), 4, _generator())
    assert image.dtype == torch.float32
