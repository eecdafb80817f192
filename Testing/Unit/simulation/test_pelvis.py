from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion

from NephroSynthLib.simulation import Grid, SimulatedExam, Tissue, simulate
from NephroSynthLib.simulation.habitus import draw_habitus
from NephroSynthLib.simulation.pelvis_plan import PelvisPlan

TALL = Grid((92, 84, 110), (4.0, 4.0, 5.0), (-220.0, -160.0, -300.0))


@pytest.fixture(scope="module")
def tall_exams() -> list[SimulatedExam]:
    return [simulate(seed, reference=TALL) for seed in (900001, 900002, 900003)]


def test_a_tall_exam_shows_the_pelvis_and_leaves_the_kidneys_in_the_upper_half(tall_exams: list[SimulatedExam]) -> None:
    for exam in tall_exams:
        assert (exam.labels == Tissue.BLADDER_WALL).any()
        assert (exam.labels == Tissue.UTERUS).any() or (exam.labels == Tissue.PROSTATE).any()
        kidneys, bladder = (np.argwhere(m)[:, 0] for m in (exam.kidneys > 0, exam.labels == Tissue.BLADDER_WALL))
        assert kidneys.mean() > TALL.shape[0] / 2
        assert bladder.max() < kidneys.min()


def test_the_urine_of_the_bladder_fits_its_volume_and_its_iodine_settles(tall_exams: list[SimulatedExam]) -> None:
    for exam in tall_exams:
        volume = (exam.labels == Tissue.BLADDER).sum() * np.prod(TALL.spacing) / 1000
        assert volume < 750
        plain, late = exam.phases["noncontrast"], exam.phases["excretory"]
        inside = binary_erosion(plain.labels == Tissue.BLADDER)
        if inside.sum() > 100:
            assert -15 < plain.hu[inside].mean() < 35
        inside = binary_erosion(late.labels == Tissue.BLADDER)
        if inside.sum() > 100:
            rows = np.argwhere(inside)[:, 1]
            middle = np.median(rows)
            assert late.hu[inside][rows > middle].mean() > late.hu[inside][rows < middle].mean() - 25


def test_the_pelvis_does_not_breathe(tall_exams: list[SimulatedExam]) -> None:
    for exam in tall_exams:
        bladder = exam.labels == Tissue.BLADDER_WALL
        for name in ("nephrographic", "excretory"):
            field = exam.phases[name].displacement[:, bladder]
            assert field.std(axis=1).max() < 1.5


def test_the_cavity_lies_between_the_hips_and_ends_at_the_pelvic_floor() -> None:
    for seed in range(30):
        plan = draw_habitus(np.random.default_rng(seed)).pelvis
        hip_x, hip_y, hip_z = plan.hip

        def distance(x: float, y: float, z: float, plan: PelvisPlan = plan) -> float:
            return float(plan.cavity_distance(*(torch.full((1, 1, 1), v) for v in (x, y, z))))

        assert distance(0.0, hip_y, hip_z + 30) < -10
        assert distance(hip_x, hip_y, hip_z) > plan.head_mm / 2
        assert distance(0.0, hip_y, plan.floor - 5) > 0
        assert distance(0.0, float(plan.sacrum()[3, 1]), float(plan.sacrum()[3, 2])) > 0
        assert plan.floor < hip_z < plan.promontory < plan.crest
