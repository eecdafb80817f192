from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

import lightning.pytorch as pl
from small_trainings import Regression, draw, fit, ignore, interrupt_at, plan

from NephroSynthLib.errors import Action, Cancelled, UnreadableInputError
from NephroSynthLib.methods.method import Sample
from NephroSynthLib.training import loop

pytestmark = pytest.mark.system("processes")


class Restless(Regression):
    """Learns from noisy inputs, as diffusion does, and tells the noise and the inputs of each step."""

    def __init__(self, seen: list[tuple[float, float]]) -> None:
        super().__init__()
        self.seen = seen

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        noise = torch.randn_like(batch["x"])
        self.seen.append((float(noise.sum()), float(batch["x"].sum())))
        return (self.line(batch["x"] + 0.1 * noise) - batch["y"]).square().mean()


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


def error_of(line: nn.Linear) -> float:
    x = torch.linspace(-1, 1, 9)[:, None]
    return float((line(x) - (3 * x - 1)).abs().mean().detach())


def test_training_learns_and_reports(tmp_path: Path) -> None:
    told: list[float] = []
    trained = fit(Regression(), plan(80), tmp_path, lambda done, message: told.append(done))
    assert error_of(trained.line) < 0.2 * error_of(Regression().line)
    assert not trained.training
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 80


def test_a_module_may_step_two_optimizers_itself(tmp_path: Path) -> None:
    steps: list[str] = []
    trained = fit(Duel(), plan(120), tmp_path, lambda done, message: steps.append(message.split(",")[0]))
    assert error_of(trained.generator) < 0.5 * error_of(Duel().generator)
    assert not torch.equal(trained.critic.weight, Duel().critic.weight)
    assert steps[0] == "step 2 of 120"  # each batch steps both optimizers
    assert steps[-1] == "step 120 of 120"


@pytest.mark.parametrize("kind", [Regression, Duel])
def test_an_ended_training_resumes_at_its_last_step(tmp_path: Path, kind: type[pl.LightningModule]) -> None:
    told: list[float] = []
    fit(kind(), plan(4), tmp_path, ignore)
    fit(kind(), plan(8), tmp_path, lambda done, message: told.append(done * 8))
    assert told == ([5, 6, 7, 8] if kind is Regression else [6, 8])


def test_a_finished_training_gives_its_averaged_weights_again(tmp_path: Path) -> None:
    first = fit(Regression(), plan(6), tmp_path, ignore)
    again = fit(Regression(), plan(6), tmp_path, ignore)
    torch.testing.assert_close(first.line.weight, again.line.weight)
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert not torch.equal(first.line.weight, last["current_model_state"]["line.weight"])


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    first, again, other = (
        fit(Regression(), plan(4, seed=seed), tmp_path / name, ignore).line.weight
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_training_equals_one_that_was_never_interrupted(tmp_path: Path, workers: int) -> None:
    whole: list[tuple[float, float]] = []
    parts: list[tuple[float, float]] = []
    expected = fit(Restless(whole), plan(7), tmp_path / "whole", workers=0)
    for step in (3, 5):
        with pytest.raises(Cancelled, match=f"kept at step {step}"):
            fit(Restless(parts), plan(7), tmp_path / "parts", interrupt_at(step), workers=workers)
    resumed = fit(Restless(parts), plan(7), tmp_path / "parts", workers=workers)
    assert parts == whole
    assert len(set(whole)) == 7
    torch.testing.assert_close(resumed.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_a_module_that_steps_two_optimizers_resumes_with_the_next_crops(tmp_path: Path) -> None:
    expected = fit(Duel(), plan(12), tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(Duel(), plan(12), tmp_path / "parts", interrupt_at(6))
    resumed = fit(Duel(), plan(12), tmp_path / "parts")
    torch.testing.assert_close(resumed.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_the_last_step_leaves_a_checkpoint_whatever_its_number(tmp_path: Path) -> None:
    fit(Regression(), plan(5), tmp_path)
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 5


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fit(Regression(), plan(9), tmp_path / "whole")
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 3)
    saved = tmp_path / "cut" / "checkpoints"
    with pytest.raises(Cancelled):
        fit(Regression(), plan(9), tmp_path / "cut", interrupt_at(7))
    last = saved / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    trained, warnings = loop.fit(Regression(), draw, plan(9), tmp_path / "cut", ignore, device="cpu")
    assert warnings == [f"The checkpoint {last} is damaged or cut short; previous.ckpt of step 6 was used."]
    torch.testing.assert_close(trained.line.weight, expected.line.weight, rtol=0, atol=0)

    for path in saved.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UnreadableInputError, match=r"last\.ckpt is damaged or cut short"):
        fit(Regression(), plan(10), tmp_path / "cut")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_cannot_be_drawn_is_the_error_of_the_drawing(tmp_path: Path, workers: int) -> None:
    error = UnreadableInputError("The case is damaged.", Action.REMOVE_CASE)

    def fail(generator: np.random.Generator) -> Sample:
        raise error

    with pytest.raises(UnreadableInputError) as caught:
        loop.fit(Regression(), fail, plan(2), tmp_path, ignore, device="cpu", workers=workers)
    assert (caught.value.what, caught.value.action) == (error.what, error.action)


def test_the_learning_curve_is_on_disk_and_has_each_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CURVE_STEPS", 2)
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 5)
    fit(Regression(), plan(9), tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):  # a crash, which saves nothing
        fit(Regression(), plan(9), tmp_path / "parts", lambda done, text: 1 / 0 if "step 8 " in text else None)
    fit(Regression(), plan(9), tmp_path / "parts")
    tables = [
        list(csv.DictReader((tmp_path / name / "metrics.csv").read_text().splitlines())) for name in ("whole", "parts")
    ]
    assert [int(row["step"]) for row in tables[0]] == [2, 4, 6, 8, 9]
    assert [row["step"] for row in tables[1]] == [row["step"] for row in tables[0]]
    assert float(tables[0][0]["loss"]) > float(tables[0][-1]["loss"]) > 0
    assert float(tables[0][0]["learning_rate"]) == pytest.approx(0.1)
