from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.methods.kinetic import ENHANCEMENT_RATIO, kinetic_baseline


def constant(hu: float) -> sitk.Image:
    image = sitk.GetImageFromArray(np.full((16, 16, 16), hu, np.float32))
    image.SetSpacing((0.8, 0.8, 2.0))
    return image


def test_enhancement_is_scaled() -> None:
    result = sitk.GetArrayFromImage(kinetic_baseline(constant(30), constant(110)))
    np.testing.assert_allclose(result, 30 + ENHANCEMENT_RATIO * 80, rtol=1e-4)


def test_the_collecting_system_keeps_its_noncontrast_value() -> None:
    result = sitk.GetArrayFromImage(kinetic_baseline(constant(8), constant(1500)))
    np.testing.assert_allclose(result, 8, rtol=1e-3)


def test_where_the_excretory_phase_did_not_look_the_noncontrast_value_stays() -> None:
    result = sitk.GetArrayFromImage(kinetic_baseline(constant(-80), constant(-1024)))
    np.testing.assert_allclose(result, -80, rtol=1e-3)


def test_noise_is_smoothed_and_the_grid_kept() -> None:
    before, after = constant(30), constant(110)
    rng = np.random.default_rng(0)
    noisy = sitk.GetImageFromArray(sitk.GetArrayFromImage(after) + rng.normal(0, 20, (16, 16, 16)).astype(np.float32))
    noisy.CopyInformation(after)

    result = kinetic_baseline(before, noisy)

    assert sitk.GetArrayFromImage(result).std() < 0.5 * 20 * ENHANCEMENT_RATIO
    assert result.GetSpacing() == pytest.approx(before.GetSpacing())
