from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import batch_of

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.slab import as_slices
from NephroSynthLib.methods.syndiff import SynDiff


def test_its_steps_are_a_quarter_of_the_process() -> None:
    module = SynDiff.untrained().training_module(TrainingPlan(1))
    torch.manual_seed(0)
    t, s = module._step_times(100, torch.device("cpu"))
    assert set((t - s).tolist()) == {250}
    assert set(t.tolist()) == {250, 500, 750, 1000}


def test_the_last_step_gives_the_clean_image_itself() -> None:
    module = SynDiff.untrained().training_module(TrainingPlan(1))
    clean, x_t = torch.randn(2, 2, 1, 1, 8, 8)
    found = module._posterior_sample(clean, x_t, torch.tensor([250, 250]), torch.tensor([0, 0]))
    torch.testing.assert_close(found, clean, atol=1e-6, rtol=1e-6)


def test_every_part_learns() -> None:
    method = SynDiff.untrained()
    module = method.training_module(TrainingPlan(1))
    batch = as_slices(batch_of(method, shape=(2, 32, 32)))
    made, loss = module.made_and_loss(batch)
    loss.backward()
    module.zero_grad()
    module.judged_loss(batch, made).backward()
    for part in (module.target, module.source, module.diffusion):
        assert any(parameter.grad is not None and parameter.grad.any() for parameter in part.parameters())
