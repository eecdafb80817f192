from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig, Parameterization
from NephroSynthLib.diffusion.process import Process
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving

PARAMETERIZATIONS: tuple[Parameterization, ...] = ("image", "noise", "v")


class Says(nn.Module):
    """A network that gives one answer and keeps what it was asked."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        self.asked = (x, t, condition, context)
        return self.answer


@pytest.fixture
def volumes() -> tuple[Tensor, Tensor]:
    x0, noise = torch.randn(2, 3, 1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    return x0.clamp(-1, 1), noise


@pytest.mark.parametrize(
    "process",
    [VariancePreserving("cosine", 1000), VariancePreserving("linear", 1000), VarianceExploding(0.01, 50.0)],
    ids=["cosine", "linear", "exploding"],
)
@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_a_network_that_hits_its_target_gives_the_clean_image(
    parameterization: Parameterization, process: Process, volumes: tuple[Tensor, Tensor]
) -> None:
    (x0, noise), t = volumes, torch.tensor(process.times(10))[[9, 6, 1]]
    denoiser = Denoiser(nn.Identity(), process, parameterization)
    denoiser.network = Says(denoiser.target(x0, noise, t))
    x_t = denoiser.process.add_noise(x0, noise, t)
    assert torch.allclose(denoiser(x_t, t, x0).clean, x0, atol=1e-4)


@pytest.mark.parametrize("parameterization", ["image", "v"])
def test_image_and_v_need_no_division_by_the_vanishing_signal(
    parameterization: Parameterization, volumes: tuple[Tensor, Tensor]
) -> None:
    (x0, noise), t = volumes, torch.full((3,), 1000)
    denoiser = Denoiser(nn.Identity(), VariancePreserving(), parameterization)
    denoiser.network = Says(denoiser.target(x0, noise, t))
    assert torch.allclose(denoiser(denoiser.process.add_noise(x0, noise, t), t, x0).clean, x0, atol=1e-6)


@pytest.mark.parametrize("steps", [10, 1000, 4000])
def test_the_network_sees_timesteps_from_0_to_1000_whatever_the_schedule(steps: int) -> None:
    network = Says(torch.zeros(2, 1, 1, 1, 1))
    context = torch.zeros(2, 3)
    Denoiser(network, VariancePreserving("cosine", steps))(
        torch.zeros(2, 1, 1, 1, 1), torch.tensor([0, steps]), torch.ones(2, 2, 1, 1, 1), context
    )
    assert network.asked[1].tolist() == pytest.approx([0, 1000])
    assert network.asked[3] is context


def test_a_learned_variance_is_the_second_half_of_the_channels() -> None:
    answer = torch.cat([torch.full((1, 1, 2, 2, 2), 0.25), torch.full((1, 1, 2, 2, 2), -1.0)], dim=1).bfloat16()
    clean, fraction = Denoiser(Says(answer), VariancePreserving(), learned_variance=True)(
        torch.zeros(1, 1, 2, 2, 2), torch.tensor([3]), torch.zeros(1, 1, 2, 2, 2)
    )
    assert fraction is not None
    assert clean.dtype == fraction.dtype == torch.float32
    assert (clean == 0.25).all()
    torch.testing.assert_close(fraction, torch.full_like(fraction, 1 / (1 + math.e)))  # a sigmoid, always in [0, 1]


def test_a_fixed_variance_is_none() -> None:
    denoiser = Denoiser(Says(torch.zeros(1, 1, 2, 2, 2)), VariancePreserving())
    assert denoiser(torch.zeros(1, 1, 2, 2, 2), torch.tensor([3]), torch.zeros(1)).log_variance_fraction is None


def test_the_network_sees_noisy_images_of_unit_variance_whatever_the_process() -> None:
    network = Says(torch.zeros(1, 1, 1, 1, 1))
    x_t = torch.full((1, 1, 1, 1, 1), 30.0)
    Denoiser(network, VarianceExploding(0.01, 50.0))(x_t, torch.tensor([40.0]), x_t)
    assert float(network.asked[0]) == pytest.approx(30 / (1 + 40**2) ** 0.5)
    Denoiser(network, VariancePreserving())(x_t, torch.tensor([700]), x_t)
    assert float(network.asked[0]) == 30


def test_a_configuration_wraps_a_network() -> None:
    denoiser = DiffusionConfig("linear", 50, "v", True).wrap(nn.Identity())
    assert (denoiser.process.kind, denoiser.process.end) == ("linear", 50)
    assert (denoiser.parameterization, denoiser.learned_variance) == ("v", True)


def test_refuses_an_unknown_parameterization() -> None:
    with pytest.raises(ValueError, match="image, noise, v, residual"):
        Denoiser(nn.Identity(), VariancePreserving(), "score")  # type: ignore[arg-type]


def test_a_residual_that_is_zero_leaves_the_best_linear_guess() -> None:
    """Karras et al. 2022, table 1: the least squares estimate of images of standard deviation 0.5 from x_t alone."""
    torch.manual_seed(0)
    process = VariancePreserving()
    image, noise = 0.5 * torch.randn(1, 1, 20, 20, 20), torch.randn(1, 1, 20, 20, 20)
    for t in (1, 200, 500, 900):
        x_t = process.add_noise(image, noise, torch.tensor([t]))
        denoiser = Denoiser(Says(torch.zeros_like(image)), process, "residual")
        guess = denoiser(x_t, torch.tensor([t]), image).clean
        slope = float((image * x_t).mean() / x_t.square().mean())
        torch.testing.assert_close(guess, slope * x_t, atol=0.03, rtol=0)


def test_a_perfect_residual_gives_the_image_and_has_unit_variance_at_every_time() -> None:
    torch.manual_seed(0)
    process = VariancePreserving()
    image, noise = 0.5 * torch.randn(1, 1, 20, 20, 20), torch.randn(1, 1, 20, 20, 20)
    denoiser = Denoiser(nn.Identity(), process, "residual")
    for step in (1, 200, 500, 999, 1000):
        t = torch.tensor([step])
        target = denoiser.target(image, noise, t)
        assert float(target.std()) == pytest.approx(1, abs=0.05)
        torch.testing.assert_close(denoiser.to_clean(target, process.add_noise(image, noise, t), t), image)


def test_at_the_end_of_the_process_a_residual_network_sees_no_noise() -> None:
    network, process = Says(torch.zeros(1, 1, 2, 2, 2)), VariancePreserving()
    noise = torch.randn(1, 1, 2, 2, 2)
    clean = Denoiser(network, process, "residual")(noise, torch.tensor([process.end]), noise).clean
    assert not network.asked[0].any()
    assert not clean.any()
