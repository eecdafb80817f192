from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods.kinetic import ENHANCEMENT_RATIO
from NephroSynthLib.methods.method import Case, Example
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import RegistrationSettings, SynthesisSettings
from NephroSynthLib.simulation import Grid, simulate
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training import synthesis_cases
from NephroSynthLib.training.pool import CasePool, PreparedCase, save_case
from NephroSynthLib.training.recontrast import other_contrast
from NephroSynthLib.training.synthesis_cases import draw_from, evaluate_on, make_case, synthesis_case

SHAPE = (10, 32, 36)
CORTEX = COMPARTMENTS.index("cortex")
NOMINAL = np.full((2, len(COMPARTMENTS)), 50.0)
CONTRAST = np.full((2, len(COMPARTMENTS)), 60.0)


def made_case(shares: float | None = None) -> PreparedCase:
    """A kidney of 30, 110 and 180 HU in fat; with shares, as much of its HU is contrast of the cortex."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    kidney = ((z - 5) / 4) ** 2 + ((y - 16) / 9) ** 2 + ((x - 18) / 9) ** 2 <= 1
    noncontrast, excretory, nephrographic = (np.where(kidney, hu, -90).astype(np.float32) for hu in (30, 110, 180))
    case = synthesis_case(noncontrast, excretory, nephrographic, kidney.astype(np.uint8), CONTRAST)
    if shares is not None:
        part = np.zeros((len(COMPARTMENTS), *SHAPE), np.uint8)
        part[CORTEX][kidney] = round(255 * shares)
        case |= {"nephrographic_shares": part, "excretory_shares": part, "nominal_contrast": NOMINAL}
        case["parenchyma_ml"] = np.asarray(300.0)
    return case


@pytest.fixture
def pool_of(tmp_path: Path) -> Callable[..., CasePool]:
    def make(*cases: PreparedCase) -> CasePool:
        for seed, case in enumerate(cases):
            save_case(case, tmp_path / f"{seed:06d}.npz")
        return CasePool(tmp_path, make_case)

    return make


def examples(pool: CasePool, size: tuple[int, int, int], count: int) -> list[Example]:
    """What draws hand to the method that learns from them."""
    seen: list[Example] = []

    def keep(example: Example) -> dict[str, Any]:
        seen.append(example)
        return {"drawn": np.zeros(1, np.float32)}

    draw, rng = draw_from(pool, size=size, sample_of=keep), np.random.default_rng(0)
    assert all(set(draw(rng)) == {"drawn"} for _ in range(count))
    return seen


@pytest.mark.parametrize("size", [(6, 12, 16), (1, 24, 24)], ids=["3D", "2D"])
def test_examples_have_the_size_that_the_method_wants_and_stay_aligned(
    pool_of: Callable[..., CasePool], size: tuple[int, int, int]
) -> None:
    for example in examples(pool_of(made_case()), size, 12):
        case = example.case
        for array in (case.noncontrast, case.excretory, example.nephrographic, example.kidneys):
            assert array.shape == size
        kidney = ndimage.uniform_filter(example.kidneys, 3) > 0.99
        if kidney.sum() > 20:
            assert np.median((case.excretory - case.noncontrast)[kidney]) == pytest.approx(80, abs=15)
            assert np.median((example.nephrographic - case.noncontrast)[kidney]) == pytest.approx(150, abs=15)


def test_all_cases_lie_on_one_grid(pool_of: Callable[..., CasePool]) -> None:
    assert {example.case.spacing for example in examples(pool_of(made_case()), (2, 4, 4), 20)} == {WORKING_SPACING}


def test_most_draws_get_the_contrast_of_another_injection_in_images_and_context(
    pool_of: Callable[..., CasePool], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = NOMINAL.copy()
    other[:, CORTEX] += 40.0, -20.0
    monkeypatch.setattr(synthesis_cases, "other_contrast", lambda ml, rng: other)
    monkeypatch.setattr(synthesis_cases, "MEASUREMENT_ERROR", 0.0)
    enhanced = []
    for example in examples(pool_of(made_case(shares=1.0)), (4, 8, 8), 60):
        kidney = ndimage.uniform_filter(example.kidneys, 3) > 0.99
        if kidney.sum() > 20:
            case = example.case
            late = float(np.median((case.excretory - case.noncontrast)[kidney]))
            true = float(np.median((example.nephrographic - case.noncontrast)[kidney]))
            redrawn = case.contrast.excretory[CORTEX] == 40
            enhanced.append(redrawn)
            assert late == pytest.approx(60 if redrawn else 80, abs=15)
            assert true == pytest.approx(190 if redrawn else 150, abs=15)
            assert case.contrast.nephrographic[CORTEX] == (100 if redrawn else 60)
    assert np.mean(enhanced) == pytest.approx(synthesis_cases.RECONTRASTED, abs=0.15)
    assert other_contrast(300.0, np.random.default_rng(0)).shape == NOMINAL.shape


class Told:
    """A method that answers with the truth where it is told the true contrast, and with water where not."""

    name, title, window_hu = "told", "Told", (-150.0, 250.0)
    mean_in_one_step = False

    def __init__(self, truth: np.ndarray) -> None:
        self.truth = truth

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> np.ndarray:
        told = np.stack([case.contrast.nephrographic, case.contrast.excretory])
        return self.truth if np.array_equal(told, CONTRAST) else np.zeros_like(case.noncontrast)


def test_a_model_that_is_told_the_true_contrast_is_judged_beside_the_floors(pool_of: Callable[..., CasePool]) -> None:
    case = made_case()
    figures = evaluate_on(Told(case["nephrographic"].astype(np.float32)), pool_of(case))  # type: ignore[arg-type]
    kidney = case["kidneys"] > 0
    assert figures["model_kidney_mae_hu"] == figures["model_kidney_offset_hu"] == 0
    assert figures["excretory_kidney_mae_hu"] == pytest.approx(70)
    assert figures["excretory_kidney_offset_hu"] == pytest.approx(-70)
    expected = np.mean(np.where(kidney, 70, 0) ** 2)
    assert figures["excretory_psnr_db"] == pytest.approx(10 * np.log10(400**2 / expected), abs=0.01)
    assert figures["baseline_kidney_mae_hu"] < figures["excretory_kidney_mae_hu"]
    assert abs(30 + ENHANCEMENT_RATIO * 80 - 180) < figures["baseline_kidney_mae_hu"]


def test_a_prepared_case_takes_little_space_and_keeps_its_hu() -> None:
    truth = np.full((2, 2, 2), 180.25, np.float32)
    case = synthesis_case(truth - 5000, truth, truth, np.ones((2, 2, 2), np.uint8), CONTRAST)
    assert {name: str(array.dtype) for name, array in case.items()} == {
        "noncontrast": "int16", "excretory": "int16", "nephrographic": "float16", "kidneys": "uint8",
        "contrast": "float64",
    }  # fmt: skip
    assert (case["noncontrast"].min(), case["excretory"].max()) == (-1024, 180)
    assert case["nephrographic"].max() == 180.25


def test_a_simulated_exam_becomes_a_case_of_its_kidney_region(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid((20, 52, 68), (5.0, 5.0, 9.0), (-165.0, -125.0, -90.0))
    exam = simulate(900_003, reference=grid)
    monkeypatch.setattr(synthesis_cases, "simulate", lambda seed, anatomy: exam)
    monkeypatch.setattr(synthesis_cases, "RegistrationSettings", partial(RegistrationSettings, mode="none"))
    case = make_case(900_003)
    shape = case["noncontrast"].shape
    assert all(case[name].shape == shape for name in ("excretory", "nephrographic", "kidneys"))
    assert all(case[name].shape == (len(COMPARTMENTS), *shape) for name in ("nephrographic_shares", "excretory_shares"))
    kidney = case["kidneys"] > 0
    voxel_ml = np.prod(grid.spacing) / np.prod(WORKING_SPACING)
    assert kidney.sum() == pytest.approx((exam.kidneys > 0).sum() * voxel_ml, rel=0.1)
    assert np.median(case["nephrographic"][kidney]) > np.median(case["noncontrast"][kidney]) + 40
    enhanced = np.tensordot(case["contrast"][0], case["nephrographic_shares"] / 255, 1)
    assert np.median(enhanced[kidney]) == pytest.approx(
        np.median((case["nephrographic"] - case["noncontrast"])[kidney]), rel=0.2
    )
