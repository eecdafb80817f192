from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.one_loss_training import OneLossTraining


class _Line(OneLossTraining):
    def __init__(self, plan: TrainingPlan) -> None:
        super().__init__(plan)
        self.line = nn.Linear(1, 1)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        return self.line(batch["x"]).square().mean()


def test_it_is_validated_by_its_loss_and_optimizes_all_its_weights_at_the_rate_of_the_plan() -> None:
    module, batch = _Line(TrainingPlan(steps=9, learning_rate=0.5, warm_up=1)), {"x": torch.ones(2, 1)}
    assert module.validation_loss(batch) == module.training_step(batch, 0)
    (group,) = module.configure_optimizers()["optimizer"].param_groups
    assert group["lr"] == 0.5
    assert {id(one) for one in group["params"]} == {id(one) for one in module.line.parameters()}
