from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import SHAPE, TINY
from method_walk import example

from NephroSynthLib.errors import UsageError
from NephroSynthLib.generators.slice_vae import SliceVae
from NephroSynthLib.generators.wgan_gp import WganGp
from NephroSynthLib.imaging.full_range import from_full_range
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.card import model_card
from NephroSynthLib.training import generation_cases
from NephroSynthLib.training.generation_cases import evaluate_on, new_slices, real_slices, recipe
from NephroSynthLib.training.order import TrainingOrder
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool, save_case
from NephroSynthLib.training.synthesis_cases import make_case, synthesis_case
from NephroSynthLib.training.train import train


def _pool(folder: Path, count: int) -> CasePool:
    for number in range(count):
        one = example(number, (4, 24, 24))
        contrast, kidneys = np.full((2, len(COMPARTMENTS)), 70.0), (one.kidneys > 0).astype(np.uint8)
        case = synthesis_case(one.case.noncontrast, one.case.excretory, one.nephrographic, kidneys, contrast)
        save_case(case, folder / f"{FIRST_OF_COHORT + number}.npz")
    return CasePool(folder, make_case)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> WganGp:
    monkeypatch.setattr(WganGp, "crop", SHAPE)
    monkeypatch.setattr(generation_cases, "IMAGES", 4)
    return WganGp(TINY, WganGp.build(TINY))


def test_it_learns_from_crops_of_the_nephrographic_phase(tiny: WganGp, tmp_path: Path) -> None:
    made = recipe(tiny)
    sample = made.draw_from(_pool(tmp_path, 1))(np.random.default_rng(0))
    assert (made.task, made.method) == ("generation", "wgan-gp")
    assert sample["image"].shape == (1, *SHAPE)
    assert from_full_range(sample["image"]).max() > 130  # the kidney of 160 HU


def test_new_slices_are_compared_with_acquired_ones(tiny: WganGp, tmp_path: Path) -> None:
    pool = _pool(tmp_path, 2)
    found = evaluate_on(tiny, pool)
    assert {"fid_ax", "bmmd2", "inception_score", "fds", "ds"} <= set(found)
    assert found["fid_ax"] > 0
    assert {one.shape for one in real_slices(tiny, pool)} == {(1, 16, 16)}
    assert evaluate_on(tiny, CasePool(tmp_path / "none", make_case)) == {}


def test_slices_of_a_volume_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_cases, "VOLUME_SLICES", 2)
    monkeypatch.setattr(generation_cases, "IMAGES", 4)
    slices = new_slices(SliceVae(TINY, SliceVae.build(TINY)))
    assert len(slices) == 4
    assert slices[0].shape == (1, 16, 16)
    assert not np.array_equal(slices[0], slices[2])


@pytest.mark.system("processes")
def test_the_command_trains_a_generator_to_a_bundle_with_a_card(tmp_path: Path) -> None:
    _pool(tmp_path / "cases", 1)
    order = TrainingOrder("generation", tmp_path, method="wgan-gp", steps=2, exams=0, device="cpu")
    assert "train generation --method wgan-gp" in order.command
    bundle = load_bundle(train(order, lambda done, text: None).bundle, "generation")
    card = model_card(bundle)
    assert bundle.metadata.method == "wgan-gp"
    assert "Research use only" in card
    assert "synthetic and show no person" in card


def test_an_unknown_generator_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no generator 'dssnict'"):
        train(TrainingOrder("generation", tmp_path / "new", method="dssnict", exams=1), lambda done, text: None)
    assert not (tmp_path / "new").exists()
