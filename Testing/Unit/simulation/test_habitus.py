from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from NephroSynthLib.simulation.habitus import ATROPHIC, HORSESHOE, SINGLE, Habitus, draw_habitus

KITS = Path(__file__).parents[4] / "shared" / "data" / "kidney_shapes.json"


@pytest.fixture(scope="module")
def patients() -> list[Habitus]:
    return [draw_habitus(np.random.default_rng(seed)) for seed in range(1200)]


@pytest.fixture(scope="module")
def kits() -> list[dict[str, object]]:
    if not KITS.exists():
        pytest.skip(f"{KITS.name} with the sizes of real kidneys is not at ../shared/data")
    return json.loads(KITS.read_text())


def test_axes_match_kidneys_without_tumour_in_kits(patients: list[Habitus], kits: list[dict]) -> None:
    real = np.array([k["axes_mm"] for case in kits for k in case["kidneys"] if k["tumour_ml"] < 2])
    drawn = np.array([2 * np.asarray(k.half) for p in patients for k in p.kidneys if k.state == "normal"])
    np.testing.assert_allclose(np.median(np.sort(drawn, axis=1), axis=0), np.median(real, axis=0), rtol=0.06)
    np.testing.assert_allclose(np.log(drawn).std(axis=0), np.log(real).std(axis=0), rtol=0.3)


def test_separation_matches_kits(patients: list[Habitus], kits: list[dict]) -> None:
    real = np.array([np.subtract(*(k["centre_mm"] for k in case["kidneys"])) for case in kits])
    drawn = np.array(
        [p.kidneys[1].centre - p.kidneys[0].centre for p in patients if len(p.kidneys) == 2 and not p.horseshoe]
    )
    distance = np.median(np.linalg.norm(real, axis=1))
    assert np.median(np.linalg.norm(drawn, axis=1)) == pytest.approx(distance, rel=0.06)


def test_upper_poles_lean_medially_and_backwards(patients: list[Habitus]) -> None:
    for side, medial in ((0, 1.0), (1, -1.0)):
        axes = np.array([p.kidney(side).rotation[:, 2] for p in patients if p.kidney(side) and not p.horseshoe])
        median = np.median(axes, axis=0)
        assert medial * median[0] > 0.08
        assert 0.25 < median[1] < 0.5
        assert median[2] > 0.8


def test_hila_face_medially_and_forwards(patients: list[Habitus]) -> None:
    for side, medial in ((0, 1.0), (1, -1.0)):
        hilum = np.median([-p.kidney(side).rotation[:, 1] for p in patients if p.kidney(side)], axis=0)
        assert medial * hilum[0] > 0.5
        assert hilum[1] < -0.3


def test_kidneys_lie_inside_the_abdominal_wall(patients: list[Habitus]) -> None:
    for patient in patients[:200]:
        for kidney in patient.kidneys:
            level = (np.abs(kidney.centre[:2] / np.asarray(patient.cavity)) ** patient.power).sum()
            assert level < 1


def test_variants_occur_as_often_as_stated(patients: list[Habitus]) -> None:
    count = len(patients)
    horseshoe = sum(p.horseshoe for p in patients) / count
    single = sum(len(p.kidneys) == 1 for p in patients) / count
    atrophic = sum(any(k.state == "atrophic" for k in p.kidneys) for p in patients) / count
    assert horseshoe == pytest.approx(HORSESHOE, abs=0.02)
    assert single == pytest.approx(SINGLE, abs=0.025)
    assert atrophic == pytest.approx(ATROPHIC, abs=0.025)


def test_lean_and_obese_patients_are_drawn(patients: list[Habitus]) -> None:
    fat = np.array([p.fat[1] for p in patients])
    perirenal = np.array([k.fat_mm for p in patients for k in p.kidneys])
    assert np.percentile(fat, 2) < 4
    assert np.percentile(fat, 98) > 40
    assert np.percentile(perirenal, 2) < 2
    assert np.percentile(perirenal, 98) > 25
