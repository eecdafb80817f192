from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving
from NephroSynthLib.segmentation.preprocessing import SPACING
from NephroSynthLib.training import segmentation_cases
from NephroSynthLib.training.pool import ANATOMY, CasePool, save_case
from NephroSynthLib.training.segmentation_cases import (
    CROP,
    PHASES,
    draw_from,
    evaluate_on,
    make_case,
    segmentation_case,
)

SHAPE = (20, 40, 50)


def phase_of(name: str, level: float) -> dict[str, Any]:
    """A phase whose kidneys, two boxes, stand out of the fat by their level."""
    filled = np.zeros(SHAPE, np.float32)
    filled[5:15, 15:25, 8:16] = filled[5:15, 15:25, 34:42] = 1.0
    images = [sitk.GetImageFromArray(array) for array in (np.where(filled > 0, level, -100), filled)]
    return segmentation_case(name, *images)


@pytest.fixture
def pool(tmp_path: Path) -> CasePool:
    case = phase_of("noncontrast", 30) | phase_of("excretory", 900)
    save_case(case, tmp_path / "000001.npz")
    return CasePool(tmp_path, make_case)


def test_a_case_holds_whole_hu_and_the_occupancy_in_eight_bits() -> None:
    case = phase_of("excretory", 5000.4)
    assert set(case) == {"excretory_hu", "excretory_kidneys"}
    assert (case["excretory_hu"].dtype, case["excretory_kidneys"].dtype) == (np.int16, np.uint8)
    assert (case["excretory_hu"].max(), case["excretory_kidneys"].max()) == (3071, 255)


def test_samples_show_the_phases_that_a_case_has_and_where_the_kidneys_are(pool: CasePool) -> None:
    draw, rng = draw_from(pool), np.random.default_rng(0)
    samples = [draw(rng) for _ in range(8)]
    brightest = []
    for sample in samples:
        assert sample["image"].shape == (1, *CROP)
        assert sample["condition"].shape == (2, *CROP)
        assert np.abs(sample["image"]).max() == pytest.approx(1)
        inside = sample["image"][0] > 0.9
        if inside.sum() > 50:
            brightest.append(float(np.median(sample["condition"][1][inside])))
    assert len(brightest) > 4
    assert min(brightest) < 0.2 < 0.6 < max(brightest)  # HU / 1000 of both phases


def test_some_crops_are_cut_by_a_smaller_field_of_view_at_any_side() -> None:
    volumes = np.ones((2, 60, 80, 100), np.float32)
    cut = np.zeros((3, 2))
    whole = 0
    for seed in range(200):
        hu, filled = segmentation_cases._in_view(volumes, (30, 40, 50), np.random.default_rng(seed))
        np.testing.assert_array_equal(filled > 0, hu > -1000)  # what is out of view is air without a kidney
        inside = np.argwhere(filled > 0)
        assert (inside.max(axis=0) + 1 - inside.min(axis=0) >= 2 * np.array(segmentation_cases.LEAST_IN_VIEW)).all()
        whole += len(inside) == filled.size
        cut[:, 0] += inside.min(axis=0) > 0
        cut[:, 1] += inside.max(axis=0) + 1 < filled.shape
    assert 120 < whole < 165
    assert cut.min() > 12


class Oracle(nn.Module):
    """Finds kidneys where the CT is brighter than fat; misses all of the non-contrast phase if so told."""

    def __init__(self, least: float) -> None:
        super().__init__()
        self.least = nn.Parameter(torch.tensor(least))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        return torch.where(condition[:, 1:2] * 1000 > self.least, 1.0, -1.0)


@pytest.mark.parametrize(("least", "noncontrast"), [(-50.0, 1.0), (100.0, 0.0)])
def test_the_measure_is_the_dice_of_each_phase_that_the_cases_have(
    pool: CasePool, least: float, noncontrast: float
) -> None:
    figures = evaluate_on(Denoiser(Oracle(least), VariancePreserving()), pool)
    pair = "_of_the_chosen_pair"
    assert figures == {
        "dice_noncontrast": noncontrast,
        "dice_excretory": 1.0,
        f"dice_noncontrast{pair}": noncontrast,
        f"dice_excretory{pair}": 1.0,
        "least_dice_of_a_chosen_pair": min(noncontrast, 1.0),
    }


def test_a_simulated_exam_becomes_a_case_of_all_phases_on_the_grid_of_the_segmenter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid = segmentation_cases._wide_grid(np.random.default_rng(0))
    x, y, z = (size * step for size, step in zip(grid.shape[::-1], grid.spacing, strict=True))
    assert 320 <= x <= 470
    assert 240 <= y <= 370
    assert 160 <= z <= 490
    small = type(grid)((20, 36, 48), (7.0, 7.0, 9.0), (-165.0, -125.0, -90.0))
    monkeypatch.setattr(segmentation_cases, "_wide_grid", lambda rng: small)
    case = make_case(900_003)
    assert set(case) == {ANATOMY} | {f"{phase}_{kind}" for phase in PHASES for kind in ("hu", "kidneys")}
    assert str(case[ANATOMY]) == ""
    for phase in PHASES:
        kidneys = case[f"{phase}_kidneys"] > 127
        assert case[f"{phase}_hu"].shape == kidneys.shape
        assert 40 < kidneys.sum() * np.prod(SPACING) / 1000 < 900  # ml
    inside = {phase: float(np.median(case[f"{phase}_hu"][case[f"{phase}_kidneys"] > 200])) for phase in PHASES}
    assert inside["noncontrast"] < 60 < inside["nephrographic"]
