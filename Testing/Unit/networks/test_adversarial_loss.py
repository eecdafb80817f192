from __future__ import annotations

import math

import pytest
import torch

from NephroSynthLib.networks.adversarial_loss import (
    between,
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    path_lengths,
    slope_penalty,
)


def test_the_losses_are_those_of_the_probabilities() -> None:
    real, fake = torch.tensor([1.5, -0.2]), torch.tensor([0.3, -2.0])
    odds = [[1 / (1 + math.exp(-float(logit))) for logit in logits] for logits in (real, fake)]
    assert float(generator_loss(fake)) == pytest.approx(-sum(math.log(p) for p in odds[1]) / 2, rel=1e-5)
    wanted = -sum(math.log(p) for p in odds[0]) / 2 - sum(math.log(1 - p) for p in odds[1]) / 2
    assert float(discriminator_loss(real, fake)) == pytest.approx(wanted / 2, rel=1e-5)


def test_the_gradient_penalty_is_that_of_autograd_by_hand() -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 2, 1, 4, 5, requires_grad=True)
    weight = torch.randn(2, 1, 4, 5, requires_grad=True)
    logits = (images.square() * weight).flatten(1).sum(1)  # gradient 2 x w, so the penalty is the mean of |2 x w|^2
    penalty = gradient_penalty(logits, images)
    by_hand = (2 * images * weight).flatten(1).square().sum(1).mean()
    torch.testing.assert_close(penalty, by_hand)
    penalty.backward()  # its own gradient reaches the weights: d/dw of mean (2 x w)^2 is 8 x^2 w / B
    torch.testing.assert_close(weight.grad, (8 * images.detach().square() * weight.detach()).mean(0))


def test_the_slope_penalty_is_that_of_autograd_by_hand() -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 2, 1, 4, 5, requires_grad=True)
    weight = torch.randn(2, 1, 4, 5, requires_grad=True)
    penalty = slope_penalty((images.square() * weight).flatten(1).sum(1), images)
    norms = (2 * images.detach() * weight).flatten(1).square().sum(1).sqrt()
    by_hand = (norms - 1).square().mean()
    torch.testing.assert_close(penalty, by_hand)
    (wanted,) = torch.autograd.grad(by_hand, weight)
    (found,) = torch.autograd.grad(penalty, weight)  # its own gradient reaches the critic
    torch.testing.assert_close(found, wanted)


def test_a_critic_of_slope_one_measures_the_distance_of_two_points() -> None:
    real, fake = torch.full((4, 1), 3.0), torch.full((4, 1), -1.0)
    assert float(critic_loss(real, fake)) == -4  # the Wasserstein distance of a mass at 3 from one at -1


def test_images_between_lie_on_the_lines() -> None:
    torch.manual_seed(0)
    real, fake = torch.randn(2, 50, 1, 1, 2, 2)
    middle = between(real, fake)
    share = ((middle - real) / (fake - real)).detach().flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand(-1, 4), atol=1e-3, rtol=1e-3)
    assert 0 <= share.min() < 0.1 < 0.9 < share.max() <= 1
    assert middle.requires_grad


def test_a_path_is_as_long_as_the_jacobian_makes_it() -> None:
    torch.manual_seed(0)
    matrix, styles = torch.randn(6, 3), torch.randn(4, 3, requires_grad=True)
    images = (styles @ matrix.T).view(4, 1, 1, 2, 3)
    torch.manual_seed(1)
    found = path_lengths(images, styles)
    torch.manual_seed(1)
    noise = torch.randn_like(images).view(4, 6) / 6**0.5
    torch.testing.assert_close(found, (noise @ matrix).norm(dim=1))  # |J^T y|, StyleGAN2, eq. 4
