from __future__ import annotations

import pytest
import torch

from NephroSynthLib.methods.learning_rate import warm_cosine
from NephroSynthLib.methods.method import TrainingPlan


def test_it_warms_up_and_falls_to_a_hundredth() -> None:
    plan = TrainingPlan(steps=100, learning_rate=2.0, warm_up=10)
    set_up = warm_cosine([torch.nn.Parameter(torch.zeros(1))], plan)
    optimizer, scheduler = set_up["optimizer"], set_up["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == pytest.approx(rates[9], rel=0.03)
    assert rates[50] == pytest.approx(2.0 * 0.505)
    assert rates[100] == pytest.approx(0.02)
