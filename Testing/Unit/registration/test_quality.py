"""The figures that judge a registration, against independent implementations and closed forms."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.registration.geometry import WorkingGrid
from NephroSynthLib.registration.quality import Judge
from NephroSynthLib.settings import RegistrationSettings

GRID = WorkingGrid.between((-60.0, -60.0, -60.0), (60.0, 60.0, 60.0), 2.0)


def _ball(center: tuple[float, float, float], radius: float = 20.0) -> sitk.Image:
    distance = np.linalg.norm(GRID.points() - np.array(center), axis=-1)
    return GRID.image((distance < radius).astype(np.uint8))


def _hu(mask: sitk.Image) -> sitk.Image:
    return sitk.Cast(mask, sitk.sitkFloat32) * 140.0 - 100.0


def test_the_right_translation_gives_full_overlap_and_similarity_and_its_shift() -> None:
    fixed, moving = _ball((0, 0, 0)), _ball((4.0, -2.0, 10.0))
    judge = Judge(_hu(fixed), _hu(moving), {"left": fixed}, {"left": moving})
    still, right = sitk.TranslationTransform(3), sitk.TranslationTransform(3, (4.0, -2.0, 10.0))
    assert judge.dice(right)["left"] == pytest.approx(1.0)
    assert judge.dice(still)["left"] < 0.65
    assert judge.ssim(right) > 0.999 > 0.9 > judge.ssim(still)
    shift = judge.shifts(right)["left"]
    assert (shift.left, shift.posterior, shift.superior) == pytest.approx((4.0, -2.0, 10.0))
    assert shift.norm == pytest.approx(np.sqrt(120.0))


@pytest.mark.parametrize("seed", range(3))
def test_the_gate_looks_through_noise_and_sees_eight_millimetres(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fixed, moving = _ball((0, 0, 0)), _ball((4.0, -2.0, 10.0))
    noisy = [sitk.AdditiveGaussianNoise(_hu(mask), 25.0, 0.0, int(rng.integers(1, 1000))) for mask in (fixed, moving)]
    judge = Judge(*noisy, {"left": fixed}, {"left": moving})
    right, wrong = (sitk.TranslationTransform(3, (4.0, -2.0, 10.0 + error)) for error in (0.0, 8.0))
    gate = RegistrationSettings().ssim_gate
    assert judge.ssim(right) > gate > judge.ssim(wrong)


def test_dice_has_the_closed_form_of_two_balls() -> None:
    """The lens of two balls of radius r at distance d holds 1 - 3d/(4r) + d^3/(16 r^3) of one ball."""
    radius, distance = 20.0, 12.0
    fixed, moving = _ball((0, 0, -6.0)), _ball((0, 0, 6.0))
    judge = Judge(_hu(fixed), _hu(moving), {"right": fixed}, {"right": moving})
    expected = 1 - 3 * distance / (4 * radius) + distance**3 / (16 * radius**3)
    assert judge.dice(sitk.Transform(3, sitk.sitkIdentity))["right"] == pytest.approx(expected, abs=0.02)


def test_a_side_that_only_one_phase_has_gets_no_overlap() -> None:
    ball = _ball((0, 0, 0))
    judge = Judge(_hu(ball), _hu(ball), {"left": ball}, {"right": ball})
    assert judge.dice(sitk.Transform(3, sitk.sitkIdentity)) == {}
    assert set(json.loads(json.dumps(list(judge.shifts(sitk.Transform(3, sitk.sitkIdentity)))))) == {"left"}
