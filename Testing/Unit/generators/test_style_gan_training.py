from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY

from NephroSynthLib.generators.gan_training import GanTraining
from NephroSynthLib.generators.style_gan import StyleGan
from NephroSynthLib.generators.style_gan_training import StyleGanTraining
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import path_lengths


@pytest.fixture
def module() -> StyleGanTraining:
    torch.manual_seed(0)
    return StyleGan(TINY, StyleGan.build(TINY)).training_module(TrainingPlan(1))


def test_paths_are_pulled_to_their_own_mean(module: StyleGanTraining) -> None:
    batch = {"image": torch.randn(4, 1, 1, 16, 16)}
    torch.manual_seed(1)
    _, loss = module.made_and_loss(batch)
    torch.manual_seed(1)
    _, plain = GanTraining.made_and_loss(module, batch)
    styles = module.generator.styles(module.latents(2))
    lengths = path_lengths(module.generator.images(styles), styles)
    mean = 0.01 * lengths.mean()  # the moving mean began at 0
    torch.testing.assert_close(module.path_mean, mean.detach())
    torch.testing.assert_close(loss - plain, 2 * (lengths - mean).square().mean(), rtol=1e-4, atol=1e-5)


def test_the_discriminator_pays_half_of_r1(module: StyleGanTraining) -> None:
    batch, made = {"image": torch.randn(2, 1, 1, 16, 16)}, torch.randn(2, 1, 1, 16, 16)
    real = batch["image"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module.discriminators(real).sum(), real)
    penalty = module.judged_loss(batch, made) - GanTraining.judged_loss(module, batch, made)
    torch.testing.assert_close(penalty, gradient.flatten(1).square().sum(1).mean() / 2, rtol=1e-3, atol=1e-5)
