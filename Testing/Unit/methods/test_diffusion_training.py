from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.process import Process
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving
from NephroSynthLib.methods.diffusion_training import DiffusionTraining
from NephroSynthLib.methods.method import TrainingPlan


class Constant(nn.Module):
    """A network that answers with one trainable number and keeps the times that it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(()))
        self.asked: list[float] = []

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        self.asked += t.tolist()
        return self.level.expand(x.shape)


def batch(level: float = 0.4, count: int = 64) -> dict[str, Tensor]:
    image = torch.full((count, 1, 2, 2, 2), level)
    return {"image": image, "condition": image}


@pytest.mark.parametrize("process", [VariancePreserving(), VarianceExploding(0.01, 100.0)], ids=["VP", "VE"])
def test_most_samples_are_pure_noise_and_the_others_of_any_time(process: Process) -> None:
    torch.manual_seed(0)
    network = Constant()
    module = DiffusionTraining(Denoiser(network, process), TrainingPlan(10), distance="l1", terminal=0.75)
    module.training_step(batch(count=2000), 0)
    last = [t for t in network.asked if t > 999.9]
    assert len(last) / 2000 == pytest.approx(0.75, abs=0.04)
    others = [t for t in network.asked if t <= 999.9]
    assert min(others) < 30
    assert sum(others) / len(others) == pytest.approx(500, abs=50)


@pytest.mark.parametrize(("distance", "expected"), [("l1", 0.4), ("l2", 0.16)])
def test_the_loss_is_the_distance_of_the_image(distance: str, expected: float) -> None:
    module = DiffusionTraining(Denoiser(Constant(), VariancePreserving()), TrainingPlan(10), distance=distance)  # type: ignore[arg-type]
    assert float(module.training_step(batch(), 0).detach()) == pytest.approx(expected, rel=1e-5)


def test_the_overlap_of_masks_counts_as_well() -> None:
    def loss(masks: bool) -> float:
        module = DiffusionTraining(
            Denoiser(Constant(), VariancePreserving()), TrainingPlan(1), distance="l2", masks=masks
        )
        return float(module.training_step(batch(level=1.0), 0).detach())

    assert loss(True) > loss(False) + 0.01


def test_the_learning_rate_warms_up_and_decays_to_a_hundredth() -> None:
    plan = TrainingPlan(100, learning_rate=0.5, warm_up=10)
    configured = DiffusionTraining(
        Denoiser(Constant(), VariancePreserving()), plan, distance="l1"
    ).configure_optimizers()
    optimizer, scheduler = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates[0] == pytest.approx(0.05, rel=0.01)
    assert max(rates) == rates[9]
    assert rates[50] == pytest.approx(0.5 * (0.01 + 0.99 * (1 + math.cos(math.pi / 2)) / 2))
    assert rates[100] == pytest.approx(0.005)
