from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY

from NephroSynthLib.generators.progressive_gan import ProgressiveGan
from NephroSynthLib.generators.progressive_gan_training import grown
from NephroSynthLib.generators.wgan_gp_training import critic_and_penalty
from NephroSynthLib.methods.method import TrainingPlan


def test_each_level_fades_in_and_then_learns() -> None:
    levels = 3
    assert grown(0.0, levels) == 0
    assert grown(0.75 / 8, levels) == 0  # the first level learns
    assert grown(0.75 * 3 / 8, levels) == pytest.approx(0.5)
    assert grown(0.75 * 5 / 8, levels) == pytest.approx(1.0)
    assert grown(0.75, levels) == grown(1.0, levels) == 2
    steps = [grown(done / 100, levels) for done in range(101)]
    assert steps == sorted(steps)


def test_scores_of_real_slices_are_kept_near_zero() -> None:
    torch.manual_seed(0)
    module = ProgressiveGan(TINY, ProgressiveGan.build(TINY)).training_module(TrainingPlan(1))
    batch, made = {"image": torch.randn(2, 1, 1, 16, 16)}, torch.randn(2, 1, 1, 16, 16)
    torch.manual_seed(1)
    found = module.judged_loss(batch, made)
    torch.manual_seed(1)
    plain = critic_and_penalty(module.discriminators, batch["image"], made)
    torch.testing.assert_close(found - plain, 0.001 * module.discriminators(batch["image"]).square().mean())


def test_the_networks_grow_with_the_steps_and_end_whole() -> None:
    generator = ProgressiveGan(TINY, ProgressiveGan.build(TINY))
    module = generator.training_module(TrainingPlan(100))
    generator.network.grown = 0.5
    module.on_train_end()
    assert generator.network.grown == module.discriminators.grown == 2
