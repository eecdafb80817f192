"""A third method goes through the same door: this file defines it, and one entry of the registry names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

import lightning.pytorch as pl

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods import registry
from NephroSynthLib.methods.method import HU, Case, Example, Sample, TrainingPlan
from NephroSynthLib.models.bundle import ModelBundle, load_bundle
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.nephrographic import synthesize
from NephroSynthLib.training.order import TrainingOrder
from NephroSynthLib.training.pool import FIRST_OF_COHORT, save_case
from NephroSynthLib.training.synthesis_cases import synthesis_case
from NephroSynthLib.training.train import train

pytestmark = pytest.mark.system("processes")

FULL_RANGE = (-1024.0, 3071.0)


class ToyConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kernel: int = Field(3, ge=1, le=9)


class ToyGAN:
    """Translates slice by slice with one convolution, trained against a critic."""

    name: ClassVar[str] = "toy-gan"
    title: ClassVar[str] = "A toy"
    window_hu: ClassVar[tuple[float, float]] = FULL_RANGE
    mean_in_one_step: ClassVar[bool] = False
    normalization: ClassVar[Mapping[str, JsonValue]] = {"image": "HU / 1000"}
    crop: ClassVar[tuple[int, int, int]] = (1, 16, 16)

    def __init__(self, configuration: ToyConfig, network: nn.Conv2d) -> None:
        self.configuration = configuration
        self.network = network

    @classmethod
    def untrained(cls) -> ToyGAN:
        return cls(ToyConfig(), _network(ToyConfig()))

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> ToyGAN:
        configuration = bundle.configuration(ToyConfig)
        return cls(configuration, bundle.load_into(lambda: _network(configuration)).to(device))

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        slices = []
        with torch.inference_mode():
            for index, pair in enumerate(zip(case.noncontrast, case.excretory, strict=True)):
                slices.append(self.network(torch.from_numpy(np.stack(pair))[None] / 1000)[0, 0] * 1000)
                progress.update((index + 1) / len(case.noncontrast), "slice")
        return torch.stack(slices).numpy().clip(*FULL_RANGE)

    @staticmethod
    def sample_of(example: Example) -> Sample:
        case = example.case
        return {
            "phases": np.concatenate([case.noncontrast, case.excretory]).astype(np.float32) / 1000,
            "image": example.nephrographic / 1000,
        }

    def training_module(self, plan: TrainingPlan) -> Duel:
        return Duel(self.network, plan)


class Duel(pl.LightningModule):
    """The generator and its critic, with an optimizer each."""

    def __init__(self, generator: nn.Conv2d, plan: TrainingPlan) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.critic = generator, nn.Conv2d(3, 1, 3)
        self.rate = plan.learning_rate

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        made = self.generator(batch["phases"])
        real, fake = (torch.cat([batch["phases"], image], 1) for image in (batch["image"], made))
        softplus = nn.functional.softplus
        losses = (
            0.01 * softplus(-self.critic(fake)).mean() + (made - batch["image"]).abs().mean(),
            softplus(self.critic(fake.detach())).mean() + softplus(-self.critic(real)).mean(),
        )
        for optimizer, loss in zip(self.optimizers(), losses, strict=True):
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return losses[0].detach()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(part.parameters(), self.rate) for part in (self.generator, self.critic)]


def _network(configuration: ToyConfig) -> nn.Conv2d:
    return nn.Conv2d(2, 1, configuration.kernel, padding=configuration.kernel // 2)


def _phases(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[:12, :40, :44]
    kidneys = ((z - 6) / 4) ** 2 + ((y - 20) / 8) ** 2 + ((x - 22) / 8) ** 2 <= 1
    before = (np.where(kidneys, 30, -90) + rng.normal(0, 5, kidneys.shape)).astype(np.float32)
    after = (before + 70 * kidneys).astype(np.float32)
    return before, after, (before + 1.8 * (after - before)).astype(np.float32), kidneys.astype(np.uint8)


def test_a_method_of_its_own_kind_is_trained_bundled_loaded_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.METHODS, "toy-gan", registry.Entry(f"{__name__}:ToyGAN", trainable=True))
    for folder, seed in (("cases", 1), ("cases", 2), ("held-out", 3)):
        case = synthesis_case(*_phases(seed), np.full((2, len(COMPARTMENTS)), 70.0))
        save_case(case, tmp_path / folder / f"{FIRST_OF_COHORT + seed}.npz")

    order = TrainingOrder(
        "synthesis", tmp_path, "toy-gan", steps=400, exams=0, batch_size=4, learning_rate=0.03, name="mine"
    )
    path = train(order, lambda done, text: None).bundle

    bundle = load_bundle(path, "synthesis")
    assert path.name == "mine.safetensors"
    assert (bundle.metadata.method, bundle.metadata.configuration) == ("toy-gan", {"kernel": 3})
    assert (bundle.metadata.window_hu, bundle.metadata.normalization) == (FULL_RANGE, {"image": "HU / 1000"})
    assert "--method toy-gan" in str(bundle.metadata.training["command"])
    registry.verify_bundle(path)

    images = [sitk.GetImageFromArray(array) for array in _phases(4)]
    for image in images:
        image.SetSpacing((1.0, 1.0, 3.0))
    noncontrast, excretory, truth, kidneys = images
    settings = SynthesisSettings(model=str(path), margin_mm=10)
    result = synthesize(noncontrast, excretory, kidneys, settings, device="cpu")
    inside = sitk.GetArrayViewFromImage(kidneys) > 0
    errors = [
        np.abs(sitk.GetArrayFromImage(image) - sitk.GetArrayFromImage(truth))[inside].mean()
        for image in (result.image, excretory)
    ]
    assert result.model == ("mine", bundle.sha256)
    assert errors[0] < 0.6 * errors[1]
