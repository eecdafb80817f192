from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

import lightning.pytorch as pl

from NephroSynthLib.methods.method import Sample, TrainingPlan
from NephroSynthLib.training import loop
from NephroSynthLib.training.loop import fit

pytestmark = pytest.mark.system("processes")


class Regression(pl.LightningModule):
    """Learns y = 3 x - 1 with one optimizer, which Lightning steps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(1, 1)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        return (self.line(batch["x"]) - batch["y"]).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.1)


class Duel(pl.LightningModule):
    """Two networks with an optimizer each, as a GAN has them; it steps both itself."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        torch.manual_seed(0)
        self.generator, self.critic = nn.Linear(1, 1), nn.Linear(1, 1)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        made = self.generator(batch["x"])
        losses = (
            nn.functional.softplus(-self.critic(made)).mean() + (made - batch["y"]).abs().mean(),
            nn.functional.softplus(self.critic(made.detach()) - self.critic(batch["y"])).mean(),
        )
        for optimizer, loss in zip(self.optimizers(), losses, strict=True):
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return losses[0].detach()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(part.parameters(), 0.05) for part in (self.generator, self.critic)]


def draw(rng: np.random.Generator) -> Sample:
    x = rng.uniform(-1, 1, 1).astype(np.float32)
    return {"x": x, "y": 3 * x - 1}


def error_of(line: nn.Linear) -> float:
    x = torch.linspace(-1, 1, 9)[:, None]
    return float((line(x) - (3 * x - 1)).abs().mean().detach())


def plan(steps: int, **options: float) -> TrainingPlan:
    return TrainingPlan(steps, batch_size=8, warm_up=1, decay=0.5, **options)  # type: ignore[arg-type]


def ignore(done: float, text: str) -> None:
    pass


def test_training_learns_and_reports(tmp_path: Path) -> None:
    told: list[float] = []
    trained = fit(Regression(), draw, plan(80), tmp_path, lambda done, message: told.append(done))
    assert error_of(trained.line) < 0.2 * error_of(Regression().line)
    assert not trained.training
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 80


def test_a_module_may_step_two_optimizers_itself(tmp_path: Path) -> None:
    steps: list[str] = []
    trained = fit(Duel(), draw, plan(120), tmp_path, lambda done, message: steps.append(message.split(",")[0]))
    assert error_of(trained.generator) < 0.5 * error_of(Duel().generator)
    assert not torch.equal(trained.critic.weight, Duel().critic.weight)
    assert steps[0] == "step 2 of 120"  # each batch steps both optimizers
    assert steps[-1] == "step 120 of 120"


@pytest.mark.parametrize("kind", [Regression, Duel])
def test_an_ended_training_resumes_at_its_last_step(tmp_path: Path, kind: type[pl.LightningModule]) -> None:
    told: list[float] = []
    fit(kind(), draw, plan(4), tmp_path, ignore)
    fit(kind(), draw, plan(8), tmp_path, lambda done, message: told.append(done * 8))
    assert told == ([5, 6, 7, 8] if kind is Regression else [6, 8])


def test_a_finished_training_gives_its_averaged_weights_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 3)  # the last step writes a checkpoint
    first = fit(Regression(), draw, plan(6), tmp_path, ignore)
    again = fit(Regression(), draw, plan(6), tmp_path, ignore)
    torch.testing.assert_close(first.line.weight, again.line.weight)
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert not torch.equal(first.line.weight, last["current_model_state"]["line.weight"])


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    first, again, other = (
        fit(Regression(), draw, plan(4, seed=seed), tmp_path / name, ignore).line.weight
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)
