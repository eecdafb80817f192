from __future__ import annotations

import pytest
import torch
from torch import nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY
from method_walk import batch_of, train

from NephroSynthLib.generators.wgan_gp import WganGp
from NephroSynthLib.generators.wgan_gp_training import critic_and_penalty
from NephroSynthLib.methods.method import TrainingPlan


def test_the_loss_of_a_linear_critic_has_a_closed_form() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    real, fake = torch.randn(2, 3, 1, 1, 2, 2)
    weight = critic[1].weight[0]
    wanted = (fake - real).flatten(1).mean(0) @ weight + 10 * (weight.norm() - 1) ** 2  # eq. 3, lambda 10
    torch.testing.assert_close(critic_and_penalty(critic, real, fake), wanted)


def test_the_generator_learns_once_in_five_batches() -> None:
    generator = WganGp(TINY, WganGp.build(TINY))
    module = generator.training_module(TrainingPlan(1))
    assert module.judgements == 5
    steps = {"made": 0, "judged": 0}
    makes, judges = module.configure_optimizers()
    makes.register_step_post_hook(lambda *_: steps.__setitem__("made", steps["made"] + 1))
    judges.register_step_post_hook(lambda *_: steps.__setitem__("judged", steps["judged"] + 1))
    module.configure_optimizers = lambda: [makes, judges]  # type: ignore[method-assign]
    generator.training_module = lambda plan: module  # type: ignore[method-assign]
    train(generator, batch_of(generator, shape=(1, 16, 16)), 12)  # optimizer steps: 2 + 4 x 1, and once more
    assert steps == {"made": 2, "judged": 10}
