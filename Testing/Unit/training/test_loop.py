from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig
from NephroSynthLib.training.loop import TrainingPlan, fit

SIZE = (8, 16, 16)


def small_denoiser() -> Denoiser:
    torch.manual_seed(0)
    config = SwinDenoiserConfig(1, 1, 1, 0, (1, 2, 2), (8, 16), ((1, 2, 2),), (1, 1), (False, False), head_channels=8)
    return DiffusionConfig(learned_variance=False).wrap(SwinDenoiser(config))


def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    level = rng.uniform(-0.9, 0.9)
    image = np.full((1, *SIZE), level, np.float32)
    return {"image": image, "condition": image + rng.normal(0, 0.1, image.shape).astype(np.float32)}


def loss_of(denoiser: Denoiser) -> float:
    """Mean absolute error of the clean image predicted from noise alone and the condition."""
    rng, errors = np.random.default_rng(9), []
    with torch.inference_mode():
        for _ in range(8):
            sample = {name: torch.from_numpy(array)[None] for name, array in draw(rng).items()}
            noise = torch.randn(sample["image"].shape, generator=torch.Generator().manual_seed(1))
            clean = denoiser(noise, torch.tensor([1000]), sample["condition"]).clean
            errors.append(float((clean - sample["image"]).abs().mean()))
    return float(np.mean(errors))


def test_training_learns_and_reports(tmp_path: Path) -> None:
    told: list[float] = []
    denoiser = small_denoiser()
    before = loss_of(denoiser)

    trained = fit(
        denoiser, draw, TrainingPlan(120, warm_up=10, decay=0.9), tmp_path, lambda done, message: told.append(done)
    )

    assert loss_of(trained) < 0.5 * before
    assert not trained.training
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 120


def test_an_ended_training_goes_on_where_it_was(tmp_path: Path) -> None:
    steps: list[str] = []
    fit(small_denoiser(), draw, TrainingPlan(5, warm_up=1), tmp_path, lambda done, message: None)
    fit(small_denoiser(), draw, TrainingPlan(8, warm_up=1), tmp_path, lambda done, message: steps.append(message))
    assert [message.split(",")[0] for message in steps] == ["step 6 of 8", "step 7 of 8", "step 8 of 8"]


def test_a_finished_training_gives_its_averaged_weights_again(tmp_path: Path) -> None:
    plan = TrainingPlan(250, warm_up=1, decay=0.99)  # a checkpoint is written at its last step
    first = fit(small_denoiser(), draw, plan, tmp_path, lambda done, message: None)
    again = fit(small_denoiser(), draw, plan, tmp_path, lambda done, message: None)
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    plan = TrainingPlan(4, warm_up=1, seed=5)
    twice = [fit(small_denoiser(), draw, plan, tmp_path / name, lambda done, message: None) for name in ("a", "b")]
    for first, second in zip(twice[0].parameters(), twice[1].parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)
