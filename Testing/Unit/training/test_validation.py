from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

import lightning.pytorch as pl

from NephroSynthLib.methods.method import Sample, TrainingPlan
from NephroSynthLib.training import loop, validation
from NephroSynthLib.training.validation import Validation


class Level(pl.LightningModule):
    """Learns one number; its validation loss is that number and some noise."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(()))
        self.noise: list[float] = []

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        return (self.level - batch["x"]).square().mean()

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        assert not self.training
        self.noise.append(float(torch.randn(())))
        return self.level + 0 * batch["x"].sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.05)


def draw(rng: np.random.Generator) -> Sample:
    return {"x": rng.uniform(0.9, 1.1, 1).astype(np.float32)}


def fit(folder: Path, measured: Validation | None) -> tuple[Level, list[dict[str, str]]]:
    plan = TrainingPlan(6, warm_up=1, decay=0.5)
    module, _ = loop.fit(Level(), draw, plan, folder, lambda *_: None, validation=measured, device="cpu", workers=0)
    return module, list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))


def test_the_averaged_weights_are_validated_with_the_same_noise_and_training_goes_on_as_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "VALIDATION_STEPS", 4)
    sample = {"x": np.zeros(1, np.float32)}
    plain, _ = fit(tmp_path / "plain", None)
    measured = Validation([sample, sample], lambda: {"figure": 3.0})
    module, rows = fit(tmp_path / "measured", measured)
    found = {row["step"]: row for row in rows}
    assert set(found) == {"2", "3", "4", "5", "6"}  # quarters of six steps, and every fourth batch
    assert {step for step, row in found.items() if row["held_out_figure"]} == {"4"}
    assert float(found["6"]["held_out_loss"]) == pytest.approx(float(module.level.detach()), rel=1e-4)
    assert float(found["2"]["held_out_loss"]) < float(found["4"]["held_out_loss"])
    assert len(module.noise) == 10
    assert len(set(module.noise)) == 2  # the two samples have their own noise, the same at each validation
    torch.testing.assert_close(module.level, plain.level, rtol=0, atol=0)
