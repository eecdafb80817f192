from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from NephroSynthLib.diffusion.variance_exploding import VarianceExploding

PROCESS = VarianceExploding(0.001, 1348.0)


@pytest.mark.parametrize("count", [2, 5, 1000])
def test_samplers_take_a_geometric_sequence_and_then_the_clean_image(count: int) -> None:
    *times, clean = PROCESS.times(count)
    assert (len(times), clean) == (count, 0.0)
    assert (times[0], times[-1]) == (1348.0, pytest.approx(0.001))
    ratios = [a / b for a, b in pairwise(times)]
    assert ratios == pytest.approx([ratios[0]] * (count - 1))


def test_one_step_goes_from_the_prior_to_the_clean_image() -> None:
    assert PROCESS.times(1) == [1348.0, 0.0]


def test_the_image_keeps_its_size_and_the_noise_is_the_time() -> None:
    t = torch.tensor([0.0, 0.001, 3.0, 1348.0])
    assert PROCESS.alpha(t).tolist() == [1, 1, 1, 1]
    assert PROCESS.sigma(t).tolist() == pytest.approx(t.tolist())
    assert PROCESS.sigma(t).dtype == torch.float64
    assert float(PROCESS.snr(2.0)) == pytest.approx(0.25)


def test_networks_see_the_logarithm_of_the_noise_from_0_to_1000() -> None:
    middle = math.sqrt(0.001 * 1348)
    assert PROCESS.label(torch.tensor([0.001, middle, 1348.0])).tolist() == pytest.approx([0, 500, 1000], abs=1e-3)


def test_training_draws_times_whose_logarithms_are_uniform() -> None:
    torch.manual_seed(0)
    share = PROCESS.label(PROCESS.random_times(20_000, torch.device("cpu"))) / 1000
    assert 0 <= float(share.min()) < 0.01 < 0.99 < float(share.max()) <= 1 + 1e-6
    assert float(share.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(share.std()) == pytest.approx(1 / math.sqrt(12), rel=0.02)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_refuses_limits_between_which_no_noise_grows(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must grow"):
        VarianceExploding(*limits)


def test_refuses_a_sampler_without_steps() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PROCESS.times(0)
