from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.schedulers import DDPMScheduler

from NephroSynthLib.diffusion.variance_preserving import ScheduleKind, VariancePreserving

KINDS: tuple[ScheduleKind, ...] = ("cosine", "linear")
SCHEDULES = {(kind, steps): VariancePreserving(kind, steps) for kind in KINDS for steps in (10, 50, 1000, 4000)}
any_schedule = st.sampled_from(list(SCHEDULES.values()))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=map(str, SCHEDULES))
def test_runs_from_the_clean_image_to_pure_noise(schedule: VariancePreserving) -> None:
    t = torch.arange(schedule.end + 1)
    assert schedule.alpha(0) == 1
    assert schedule.sigma(0) == 0
    assert schedule.alpha(schedule.end) < (1e-2 if schedule.end < 1000 else 1e-4)
    assert (schedule.alpha(t).diff() < 0).all()
    assert torch.allclose(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, torch.ones(1, dtype=torch.float64))


def test_cosine_is_that_of_nichol_and_dhariwal() -> None:
    schedule = VariancePreserving("cosine", 1000)
    for t in (1, 250, 500, 990):
        f = [math.cos((u / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for u in (t, 0)]
        assert float(schedule.alpha(t)) ** 2 == pytest.approx(f[0] / f[1])


def test_cosine_agrees_with_monai_except_for_the_limit_of_the_last_beta() -> None:
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
def test_sampling_steps_fall_evenly_from_noise_to_clean(schedule: VariancePreserving, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, schedule.end))
    steps = schedule.times(count)
    gaps = [a - b for a, b in pairwise(steps)]
    assert (steps[0], steps[-1], len(gaps)) == (schedule.end, 0, count)
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_refuses_a_count_of_steps_out_of_range(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 1000"):
        SCHEDULES["cosine", 1000].times(count)


def test_refuses_an_unknown_empty_or_endless_schedule() -> None:
    with pytest.raises(ValueError, match="cosine, linear"):
        VariancePreserving("sigmoid")  # type: ignore[arg-type]
    for steps in (-1, 0, 1, 10**12):
        with pytest.raises(ValueError, match="from 2 to 100000"):
            VariancePreserving("cosine", steps)


@given(any_schedule)
def test_training_draws_every_step_but_the_clean_image(schedule: VariancePreserving) -> None:
    t = schedule.random_times(2000, torch.device("cpu"))
    assert not t.is_floating_point()
    assert 1 <= int(t.min()) <= max(1, schedule.end // 100)
    assert int(t.max()) > 0.98 * schedule.end - 1


def test_networks_see_steps_from_0_to_1000() -> None:
    for (_, steps), schedule in SCHEDULES.items():
        assert schedule.label(torch.tensor([0, steps])).tolist() == pytest.approx([0, 1000])
