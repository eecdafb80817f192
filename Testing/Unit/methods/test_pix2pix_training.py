from __future__ import annotations

import math

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import batch_of

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.pix2pix import Pix2Pix2D
from NephroSynthLib.methods.slab import as_slices


def test_the_absolute_error_counts_a_hundredfold() -> None:
    method = Pix2Pix2D.untrained()
    module = method.training_module(TrainingPlan(1))
    for parameter in module.discriminators.parameters():
        torch.nn.init.zeros_(parameter)  # then each logit is 0 and each loss of a side log 2
    batch = as_slices(batch_of(method, shape=(2, 32, 32)))
    made, loss = module.made_and_loss(batch)
    wanted = math.log(2) + 100 * float(batch["image"].abs().mean())  # a new network gives zero
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert float(module.judged_loss(batch, made).detach()) == pytest.approx(math.log(2), rel=1e-5)
