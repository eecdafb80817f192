from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.habitus import draw_habitus
from NephroSynthLib.simulation.pelvis_plan import PelvisPlan, draw_pelvis


@pytest.fixture(scope="module")
def plans() -> list[PelvisPlan]:
    return [draw_habitus(np.random.default_rng(seed)).pelvis for seed in range(60)]


def test_the_cavity_lies_between_the_hips_and_ends_at_the_pelvic_floor(plans: list[PelvisPlan]) -> None:
    for plan in plans:
        hip_x, hip_y, hip_z = plan.hip

        def distance(x: float, y: float, z: float, plan: PelvisPlan = plan) -> float:
            return float(plan.cavity_distance(*(torch.full((1, 1, 1), v) for v in (x, y, z))))

        assert distance(0.0, hip_y, hip_z + 30) < -5
        assert distance(hip_x, hip_y, hip_z) > plan.head_mm / 2
        assert distance(0.0, hip_y, plan.floor - 5) > 0
        assert distance(0.0, float(plan.sacrum()[3, 1]), float(plan.sacrum()[3, 2])) > 0
        assert plan.floor < hip_z < plan.promontory < plan.crest


def test_distances_are_those_of_adults() -> None:
    plans = [draw_pelvis(np.random.default_rng(seed), 50.0, 1.0) for seed in range(400)]
    between_hips = np.array([2 * plan.hip[0] for plan in plans])
    below_crests = np.array([plan.crest - plan.hip[2] for plan in plans])
    assert between_hips.mean() == pytest.approx(175, abs=6)
    assert below_crests.mean() == pytest.approx(135, abs=8)
    assert np.mean([plan.female for plan in plans]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([plan.head_mm for plan in plans if plan.female]) < np.mean(
        [plan.head_mm for plan in plans if not plan.female]
    )


def test_the_sacrum_continues_the_spine_backwards_and_forwards_again(plans: list[PelvisPlan]) -> None:
    for plan in plans:
        course = plan.sacrum()
        assert (np.diff(course[:, 2]) < 0).all()
        assert course[0, 1] == pytest.approx(float(plan.spine_centre(np.array(plan.promontory))))
        assert 0 < int(np.argmax(course[:, 1])) < len(course) - 1
        assert (course[:, 0] == 0).all()


def test_the_cavity_narrows_towards_the_floor(plans: list[PelvisPlan]) -> None:
    for plan in plans:
        heights = np.linspace(plan.crest, plan.floor, 20)
        assert (np.diff(plan.half_width(heights)) <= 0).all()
        assert (plan.back(heights) > plan.front(heights)).all()
