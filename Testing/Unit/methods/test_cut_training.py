from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import batch_of

from NephroSynthLib.methods.cut import Cut
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.slab import as_slices


def test_the_pairs_do_not_count() -> None:
    """The loss of the generators does not change if another sample's image stands in the place of a pair's."""
    method = Cut.untrained()
    module = method.training_module(TrainingPlan(1))
    batch = as_slices(batch_of(method, shape=(2, 32, 32)))
    shuffled = batch | {"image": batch["image"][[1, 0, 3, 2]]}
    losses = []
    for one in (batch, shuffled):
        torch.manual_seed(0)
        losses.append(module.made_and_loss(one)[1].detach())
    torch.testing.assert_close(losses[0], losses[1], atol=1e-3, rtol=1e-3)


def test_the_encoder_learns_from_the_contrast() -> None:
    method = Cut.untrained()
    module = method.training_module(TrainingPlan(1))
    module.made_and_loss(as_slices(batch_of(method, shape=(2, 32, 32))))[1].backward()
    heads = list(module.generators.get_submodule("heads").parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in heads)
