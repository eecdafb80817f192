from __future__ import annotations

import pytest
import torch
from torch import nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY
from method_walk import batch_of

from NephroSynthLib.generators.gan_training import GanTraining
from NephroSynthLib.generators.latent_generator import LatentGenerator
from NephroSynthLib.generators.roster import generator_class
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.slab import as_slices
from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss

IMAGE = torch.arange(8.0).view(1, 1, 2, 2, 2)


def _training() -> GanTraining:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 1, 2, 2)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    return GanTraining(generator, discriminator, 3, TrainingPlan(1, learning_rate=1.0), rate=1e-4, betas=(0.0, 0.9))


def test_the_losses_are_those_of_both_sides() -> None:
    module, batch = _training(), {"image": IMAGE.view(2, 1, 1, 2, 2)}
    made, loss = module.made_and_loss(batch)
    assert made.shape == (2, 1, 1, 2, 2)
    torch.testing.assert_close(loss, generator_loss(module.discriminators(made)))
    real = module.discriminators(batch["image"])
    torch.testing.assert_close(module.judged_loss(batch, made), discriminator_loss(real, module.discriminators(made)))


def test_it_is_validated_by_the_gap_of_the_logits() -> None:
    module = _training()
    torch.manual_seed(1)
    found = module.validation_loss({"image": IMAGE})
    torch.manual_seed(1)
    real, made = IMAGE.view(2, 1, 1, 2, 2), module.answer({"image": torch.zeros(2)})
    torch.testing.assert_close(found, module.discriminators(real).mean() - module.discriminators(made).mean())


def test_both_optimizers_are_those_of_the_paper() -> None:
    for optimizer in _training().configure_optimizers():
        assert optimizer.defaults["lr"] == 1e-4
        assert optimizer.defaults["betas"] == (0.0, 0.9)


@pytest.mark.parametrize("name", ["wgan-gp", "pggan", "stylegan"])
def test_each_side_learns_against_the_other_at_rest(name: str) -> None:
    torch.manual_seed(0)
    kind = generator_class(name)
    assert issubclass(kind, LatentGenerator)
    generator = kind(TINY, kind.build(TINY))
    module = generator.training_module(TrainingPlan(1))
    batch = as_slices(batch_of(generator, shape=(2, 16, 16)))
    made = module.answer(batch).detach()
    sides = (lambda: module.made_and_loss(batch)[1]), (lambda: module.judged_loss(batch, made))
    for loss_of, optimizer in zip(sides, module.configure_optimizers(), strict=True):
        losses = []
        for _ in range(12):
            torch.manual_seed(1)
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        assert losses[-1] < losses[0]
