from __future__ import annotations

import math

import pytest
import torch

from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss, gradient_penalty


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
