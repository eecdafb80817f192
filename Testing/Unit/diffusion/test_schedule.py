from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.schedulers import DDPMScheduler

from NephroSynthLib.diffusion.schedule import Schedule, ScheduleKind, spread

KINDS: tuple[ScheduleKind, ...] = ("cosine", "linear")
SCHEDULES = {(kind, steps): Schedule(kind, steps) for kind in KINDS for steps in (10, 50, 1000, 4000)}
any_schedule = st.sampled_from(list(SCHEDULES.values()))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=str)
def test_runs_from_the_clean_image_to_pure_noise(schedule: Schedule) -> None:
    t = torch.arange(schedule.steps + 1)
    assert schedule.alpha(0) == 1
    assert schedule.sigma(0) == 0
    assert schedule.alpha(schedule.steps) < (1e-2 if schedule.steps < 1000 else 1e-4)
    assert (schedule.alpha(t).diff() < 0).all()
    assert torch.allclose(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, torch.ones(1, dtype=torch.float64))


def test_cosine_is_that_of_nichol_and_dhariwal() -> None:
    schedule = Schedule("cosine", 1000)
    for t in (1, 250, 500, 990):
        f = [math.cos((u / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for u in (t, 0)]
        assert float(schedule.alpha(t)) ** 2 == pytest.approx(f[0] / f[1])


def test_cosine_agrees_with_monai_but_for_its_limit_of_the_last_beta() -> None:
    reference = DDPMScheduler(num_train_timesteps=1000, schedule="cosine").alphas_cumprod.double()
    assert torch.allclose(SCHEDULES["cosine", 1000].alpha_bar[1:-1], reference[:-1], rtol=2e-3)


def test_linear_keeps_the_first_step_and_the_shape_of_ho_et_al() -> None:
    reference = DDPMScheduler(
        num_train_timesteps=1000, schedule="linear_beta", beta_start=1e-4, beta_end=0.02
    ).alphas_cumprod.double()
    ours = SCHEDULES["linear", 1000].alpha_bar[1:]
    assert float(ours[0]) == pytest.approx(float(reference[0]), rel=1e-6)
    slopes = (ours.sqrt().diff() / reference.sqrt().diff())[:-1]  # an affine map of the square roots
    assert float(slopes.std() / slopes.mean()) < 1e-2


@given(any_schedule, st.data())
def test_posterior_is_the_product_of_two_gaussians(schedule: Schedule, data: st.DataObject) -> None:
    t = data.draw(st.integers(2, schedule.steps))
    s = data.draw(st.integers(1, t - 1))
    x0, x_t = data.draw(st.floats(-1, 1)), data.draw(st.floats(-3, 3))
    ratio = float(schedule.alpha(t) / schedule.alpha(s))
    step_variance, prior_variance = 1 - ratio**2, float(schedule.sigma(s)) ** 2
    variance = 1 / (1 / prior_variance + ratio**2 / step_variance)
    mean = variance * (float(schedule.alpha(s)) * x0 / prior_variance + ratio * x_t / step_variance)
    posterior = schedule.posterior(t, s)
    assert float(posterior.variance) == pytest.approx(variance, rel=1e-6)
    assert float(posterior.clean * x0 + posterior.noisy * x_t) == pytest.approx(mean, rel=1e-6, abs=1e-9)


@given(any_schedule, st.data())
def test_a_posterior_step_leads_to_the_marginal_of_its_target(schedule: Schedule, data: st.DataObject) -> None:
    t = data.draw(st.integers(1, schedule.steps))
    s = data.draw(st.integers(0, t - 1))
    posterior = schedule.posterior(t, s)
    signal = posterior.clean + posterior.noisy * schedule.alpha(t)
    noise = posterior.noisy**2 * schedule.sigma(t) ** 2 + posterior.variance
    assert torch.allclose(signal, schedule.alpha(s))
    assert torch.allclose(noise, schedule.sigma(s) ** 2, atol=1e-12)


@given(any_schedule, st.data())
def test_learned_variance_runs_from_beta_tilde_to_beta_on_the_logarithm(
    schedule: Schedule, data: st.DataObject
) -> None:
    t = data.draw(st.integers(3, schedule.steps))
    s = data.draw(st.integers(2, t - 1))
    fraction = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    low, middle, high = schedule.log_variance(t, s, fraction)
    beta = 1 - (schedule.alpha(t) / schedule.alpha(s)) ** 2
    assert float(low) == pytest.approx(float(schedule.posterior(t, s).variance.log()))
    assert float(high) == pytest.approx(float(beta.log()))
    assert float(middle) == pytest.approx(float(low + high) / 2)


def test_learned_variance_of_the_last_step_is_finite() -> None:
    schedule = SCHEDULES["cosine", 1000]
    low = schedule.log_variance(1, 0, torch.zeros(1, dtype=torch.float64))
    assert torch.allclose(low, schedule.posterior(2, 1).variance.log())


@given(any_schedule, st.data())
def test_sampling_steps_fall_evenly_from_noise_to_clean(schedule: Schedule, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, schedule.steps))
    steps = schedule.timesteps(count)
    gaps = [a - b for a, b in pairwise(steps)]
    assert (steps[0], steps[-1], len(gaps)) == (schedule.steps, 0, count)
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


def test_noise_is_added_for_each_sample_of_a_batch() -> None:
    schedule = SCHEDULES["cosine", 1000]
    x0, noise = torch.randn(2, 3, 1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    mixed = schedule.add_noise(x0, noise, torch.tensor([0, 500, 1000]))
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed[0], x0[0])
    assert torch.allclose(mixed[1], schedule.add_noise(x0, noise, 500)[1])
    assert torch.allclose(mixed[2], noise[2], atol=1e-3)


def test_spread_leaves_a_single_coefficient_a_number() -> None:
    assert spread(torch.tensor(2.0, dtype=torch.float64), torch.zeros(1, 1, 1, 1, 1)).shape == ()
    assert spread(torch.ones(2, dtype=torch.float64), torch.zeros(2, 1, 1, 1, 1)).shape == (2, 1, 1, 1, 1)


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_refuses_a_count_of_steps_out_of_range(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 1000"):
        SCHEDULES["cosine", 1000].timesteps(count)


def test_refuses_an_unknown_empty_or_endless_schedule() -> None:
    with pytest.raises(ValueError, match="cosine, linear"):
        Schedule("sigmoid")  # type: ignore[arg-type]
    for steps in (-1, 0, 1, 10**12):
        with pytest.raises(ValueError, match="from 2 to 100000"):
            Schedule("cosine", steps)
