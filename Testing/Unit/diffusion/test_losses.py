from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from NephroSynthLib.diffusion.denoiser import Denoiser, Parameterization, Prediction
from NephroSynthLib.diffusion.losses import (
    DICE_SMOOTHING,
    GREY_LEVELS,
    Distance,
    diffusion_loss,
    grey_level_log_likelihood,
    normal_kl,
    occupancy_dice_loss,
    variational_bound,
)
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving

SHAPE = (2, 1, 3, 4, 5)


class Constant(nn.Module):
    """A network that gives a trainable volume."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(value)

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        return self.value


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_kl_agrees_with_torch_distributions() -> None:
    mean, log_variance, other_mean, other_log_variance = _random(4, 100)
    reference = kl_divergence(
        Normal(mean, (0.5 * log_variance).exp()), Normal(other_mean, (0.5 * other_log_variance).exp())
    )
    assert torch.allclose(normal_kl(mean, log_variance, other_mean, other_log_variance), reference, atol=1e-5)


@pytest.mark.parametrize("mean", [-1.0, 0.0, 0.3, 1.0, 1.4])
def test_the_grey_levels_are_a_distribution(mean: float) -> None:
    levels = torch.linspace(-1, 1, GREY_LEVELS, dtype=torch.float64)
    log_variance = torch.full_like(levels, 2 * math.log(0.02))
    probability = grey_level_log_likelihood(levels, torch.full_like(levels, mean), log_variance).exp()
    assert float(probability.sum()) == pytest.approx(1)
    assert float(levels[probability.argmax()]) == pytest.approx(min(mean, 1), abs=1 / (GREY_LEVELS - 2))


def test_the_bound_is_the_divergence_of_the_two_steps() -> None:
    schedule, t = VariancePreserving(), torch.tensor([2, 700])
    x0, noise, clean = (_random(*SHAPE, seed=seed) for seed in range(3))
    fraction = torch.rand(SHAPE, generator=torch.Generator().manual_seed(3))
    x_t = schedule.add_noise(x0, noise, t)
    bound = variational_bound(schedule, x0, x_t, t, Prediction(clean, fraction))
    for sample, step in enumerate(t.tolist()):
        weight_clean, weight_noisy, variance = schedule.posterior(step, step - 1)
        beta = 1 - (schedule.alpha(step) / schedule.alpha(step - 1)) ** 2
        learned = variance ** (1 - fraction[sample].double()) * beta ** fraction[sample].double()
        reference = kl_divergence(
            Normal(weight_clean * x0[sample] + weight_noisy * x_t[sample], variance.sqrt()),
            Normal(weight_clean * clean[sample] + weight_noisy * x_t[sample], learned.sqrt()),
        )
        assert torch.allclose(bound[sample].double(), reference, rtol=1e-3, atol=1e-4)


def test_the_bound_vanishes_for_the_true_step_and_is_positive_else() -> None:
    schedule, t = VariancePreserving(), torch.tensor([5, 500])
    x0, noise = _random(*SHAPE).clamp(-1, 1), _random(*SHAPE, seed=1)
    x_t = schedule.add_noise(x0, noise, t)
    true = variational_bound(schedule, x0, x_t, t, Prediction(x0, torch.zeros(SHAPE)))
    wide = variational_bound(schedule, x0, x_t, t, Prediction(x0, torch.ones(SHAPE)))
    assert torch.allclose(true, torch.zeros(SHAPE), atol=1e-5)
    assert wide[0].min() > 0


def test_the_first_step_prefers_the_right_grey_level() -> None:
    schedule, t = VariancePreserving(), torch.ones(2, dtype=torch.long)
    x0 = _random(*SHAPE).clamp(-0.7, 0.7)
    x_t = schedule.add_noise(x0, _random(*SHAPE, seed=1), t)
    right = variational_bound(schedule, x0, x_t, t, Prediction(x0, torch.zeros(SHAPE)))
    wrong = variational_bound(schedule, x0, x_t, t, Prediction(x0 + 0.2, torch.zeros(SHAPE)))
    assert (right >= 0).all()
    assert (wrong > right + 1).all()


def test_the_bound_needs_a_variance() -> None:
    x = torch.zeros(SHAPE)
    with pytest.raises(ValueError, match="learned variance"):
        variational_bound(VariancePreserving(), x, x, torch.tensor([3, 3]), Prediction(x))


@pytest.mark.parametrize("parameterization", ["image", "noise", "v"])
@pytest.mark.parametrize(("distance", "expected"), [("l1", 0.5), ("l2", 0.25)])
def test_the_distance_is_to_what_the_network_should_predict(
    parameterization: Parameterization, distance: Distance, expected: float
) -> None:
    t, x0, noise = torch.tensor([100, 900]), _random(*SHAPE), _random(*SHAPE, seed=1)
    denoiser = Denoiser(nn.Identity(), VariancePreserving(), parameterization)
    denoiser.network = Constant(denoiser.target(x0, noise, t) + 0.5)
    loss = diffusion_loss(denoiser, x0, x0, t, noise, distance=distance)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_the_bound_trains_the_variance_and_not_the_image() -> None:
    t, x0, noise = torch.tensor([100, 900]), _random(*SHAPE), _random(*SHAPE, seed=1)
    network = Constant(torch.cat([x0 + 0.1, torch.zeros(SHAPE)], dim=1))
    denoiser = Denoiser(network, VariancePreserving(), "image", learned_variance=True)
    gradients = []
    for vlb_weight in (0.0, 0.01):
        loss = diffusion_loss(denoiser, x0, x0, t, noise, vlb_weight=vlb_weight)
        gradients.append(torch.autograd.grad(loss, network.value)[0])
    assert torch.equal(gradients[0][:, 0], gradients[1][:, 0])
    assert not gradients[0][:, 1].any()
    assert (gradients[1][:, 1] != 0).all()


def test_training_finds_the_variance_that_the_data_has() -> None:
    """Where the clean image is unknown by e, the best step variance is the posterior's + (clean weight * e)^2."""
    schedule, step, error = VariancePreserving(), 300, 0.05
    t, x0, noise = torch.full((2,), step), _random(2, 1, 8, 8, 8), _random(2, 1, 8, 8, 8, seed=1)
    wrong_by = error * _random(2, 1, 8, 8, 8, seed=2)
    wrong_by *= error / wrong_by.square().mean().sqrt()
    x_t = schedule.add_noise(x0, noise, t)
    fraction = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([fraction], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        prediction = Prediction(x0 + wrong_by, fraction.expand(x0.shape))
        loss = variational_bound(schedule, x0, x_t, t, prediction).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    posterior = schedule.posterior(step, step - 1)
    learned = schedule.log_variance(step, step - 1, fraction.detach().double()).exp()
    assert float(learned) == pytest.approx(float(posterior.variance + (posterior.clean * error) ** 2), rel=1e-3)


def test_voxels_of_no_weight_do_not_count() -> None:
    t, x0, noise = torch.tensor([100, 900]), _random(*SHAPE), _random(*SHAPE, seed=1)
    weight = torch.ones(2, 1, *SHAPE[2:])
    weight[..., 2:] = 0
    losses = []
    for outside in (0.0, 100.0):
        output = x0 + 0.5
        output[..., 2:] += outside
        network = Constant(torch.cat([output, torch.zeros(SHAPE)], dim=1))
        denoiser = Denoiser(network, VariancePreserving(), "image", learned_variance=True)
        losses.append(diffusion_loss(denoiser, x0, x0, t, noise, weight=weight).detach())
    assert torch.allclose(losses[0], losses[1])


def test_equal_weights_are_no_weights() -> None:
    t, x0, noise = torch.tensor([100, 900]), _random(*SHAPE), _random(*SHAPE, seed=1)
    denoiser = Denoiser(Constant(_random(*SHAPE, seed=2)), VariancePreserving())
    plain = diffusion_loss(denoiser, x0, x0, t, noise)
    weighted = diffusion_loss(denoiser, x0, x0, t, noise, weight=torch.full((1, 1, 1, 1, 1), 3.0))
    assert torch.allclose(plain, weighted)


def test_dice_loss_agrees_with_monai() -> None:
    from monai.losses import DiceLoss

    predicted, true = torch.rand(2, 1, 6, 8, 8), (torch.rand(2, 1, 6, 8, 8) > 0.7).float()
    reference = DiceLoss(squared_pred=True, smooth_nr=DICE_SMOOTHING, smooth_dr=DICE_SMOOTHING)(predicted, true)
    assert float(occupancy_dice_loss(2 * predicted - 1, 2 * true - 1)) == pytest.approx(float(reference), rel=1e-5)


def test_a_loss_of_the_clean_image_is_added_whatever_the_network_predicts() -> None:
    t, x0, noise = torch.tensor([100, 900]), _random(*SHAPE), _random(*SHAPE, seed=1)
    for parameterization in ("image", "noise", "v"):
        network = Constant(_random(*SHAPE, seed=2))
        denoiser = Denoiser(network, VariancePreserving(), parameterization)
        clean = denoiser(VariancePreserving().add_noise(x0, noise, t), t, x0).clean
        plain = diffusion_loss(denoiser, x0, x0, t, noise)
        more = diffusion_loss(denoiser, x0, x0, t, noise, clean_loss=lambda image, true: (image - true).abs().max())
        assert torch.allclose(more - plain, (clean - x0).abs().max(), rtol=1e-4)
