"""The optimizer of trainings with one network: AdamW with a linear warm-up and a cosine decay."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import nn

from NephroSynthLib.methods.method import TrainingPlan


def warm_cosine(parameters: Iterable[nn.Parameter], plan: TrainingPlan) -> dict[str, Any]:
    """Returns AdamW (Loshchilov & Hutter 2019) and its schedule of learning rates, as Lightning takes them.

    The rate rises over the warm-up of the plan and falls to a hundredth at its last step.
    """
    optimizer = torch.optim.AdamW(parameters, lr=plan.learning_rate, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_rate, plan))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def _rate(plan: TrainingPlan, step: int) -> float:
    done = min(1.0, step / plan.steps)
    return min(1.0, (step + 1) / plan.warm_up) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
