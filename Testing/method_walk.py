"""A tiny exam for tests of methods, and the walk that every trainable method must take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, default_collate

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods.method import Case, Contrast, Example, Trainable, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.registry import restore_method
from NephroSynthLib.models.bundle import BundleMetadata, ModelBundle, Task, load_bundle, save_bundle
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

CONTRAST = Contrast(np.full(len(COMPARTMENTS), 70.0), np.full(len(COMPARTMENTS), 130.0))
SHAPE: Size = (2, 16, 16)


def example(seed: int = 0, shape: Size = SHAPE) -> Example:
    """A kidney of 30 HU in fat, 100 HU in the excretory phase and 160 HU in the nephrographic one, with noise."""
    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    centre = rng.uniform(0.35, 0.65, 3) * shape
    kidney = sum(((axis - c) / (0.35 * n)) ** 2 for axis, c, n in zip((z, y, x), centre, shape, strict=True)) <= 1
    before = (np.where(kidney, 30, -90) + rng.normal(0, 5, shape)).astype(np.float32)
    after, truth = (before + hu * kidney.astype(np.float32) for hu in (70, 130))
    return Example(Case(before, after, (1.0, 1.0, 2.0), CONTRAST), truth, kidney.astype(np.float32))


def batch_of(method: Trainable, count: int = 2, shape: Size = SHAPE) -> dict[str, torch.Tensor]:
    """Collated samples of some examples."""
    return default_collate([method.sample_of(example(seed, shape)) for seed in range(count)])


def train(method: Trainable, batch: dict[str, torch.Tensor], steps: int, rate: float = 3e-3) -> list[float]:
    """The validation loss, with the same noise, before and after a training on one batch."""

    def loss() -> float:
        torch.manual_seed(1)
        with torch.no_grad():
            return float(np.mean([float(module.validation_loss(batch)) for _ in range(4)]))

    torch.manual_seed(0)
    module = method.training_module(TrainingPlan(steps, len(next(iter(batch.values()))), rate, warm_up=1))
    before = loss()
    trainer = pl.Trainer(
        max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,     )  # fmt: skip
    trainer.fit(module, DataLoader([batch] * steps, batch_size=None))
    return [before, loss()]


def bundled(method: Trainable, folder: Path, task: Task) -> ModelBundle:
    """The bundle of a model, written and read again."""
    metadata = BundleMetadata(
        name="tiny", task=task, method=method.name, title=method.title,
        configuration=method.configuration.model_dump(mode="json"), window_hu=method.window_hu,
        normalization=dict(method.normalization), training={}, results={}, licence="Apache-2.0",
    )  # fmt: skip
    save_bundle(folder / "tiny.safetensors", method.network.state_dict(), metadata, torch.float32)
    return load_bundle(folder / "tiny.safetensors", task)


def bundle_and_restore(method: TrainableMethod, folder: Path) -> Any:
    """The method as it comes back from its bundle."""
    return restore_method(bundled(method, folder, "synthesis"), "cpu")


def translate(method: Any, steps: int = 2, seed: int = 0, case: Case | None = None) -> np.ndarray:
    """The nephrographic phase of the example, checked for its shape, type and range."""
    case = case or example().case
    hu = method.translate(case, SynthesisSettings(steps=steps), seed, Progress())
    assert hu.shape == case.noncontrast.shape
    assert hu.dtype == np.float32
    assert method.window_hu[0] <= hu.min() <= hu.max() <= method.window_hu[1]
    return hu


def walk(
    kind: type[TrainableMethod],
    folder: Path,
    *,
    steps: int,
    share: float,
    rate: float = 3e-3,
    shape: Size = SHAPE,
) -> Any:
    """Trains a method of a kind on a tiny batch, bundles it, restores it and translates with it.

    Args:
        kind: The method.
        folder: Takes the bundle.
        steps: Batches to train for.
        share: The loss must fall below this share of that before.
        rate: Learning rate.
        shape: Size of the crops.

    Returns:
        The restored method.
    """
    torch.manual_seed(0)
    method = kind.untrained()
    before, after = train(method, batch_of(method, shape=shape), steps, rate)
    assert after < share * before, (before, after)
    method.network.eval()
    restored = bundle_and_restore(method, folder)
    case = example(shape=shape).case
    np.testing.assert_allclose(translate(restored, case=case), translate(method, case=case), atol=0.5)
    return restored
