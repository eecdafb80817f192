from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.methods.adversarial_training import RATE, unpaired
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.pix2pix import Pix2Pix2D


def test_unpaired_images_are_those_of_other_samples() -> None:
    images = torch.randn(3, 1, 2, 4, 4)
    other = unpaired(images)
    for index in range(3):
        torch.testing.assert_close(other[index], images[index - 1].flip(-1))


def test_each_side_has_an_optimizer_of_its_own() -> None:
    module = Pix2Pix2D.untrained().training_module(TrainingPlan(1, learning_rate=1.0))
    owned = [{id(p) for group in one.param_groups for p in group["params"]} for one in module.configure_optimizers()]
    assert owned == [{id(p) for p in side.parameters()} for side in (module.generators, module.discriminators)]
    assert module.rate == RATE


def test_a_lower_rate_of_the_plan_counts() -> None:
    assert Pix2Pix2D.untrained().training_module(TrainingPlan(1, learning_rate=1e-5)).rate == 1e-5
