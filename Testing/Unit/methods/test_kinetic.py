from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.methods.kinetic import ENHANCEMENT_RATIO, Kinetic, kinetic_baseline
from NephroSynthLib.methods.method import Case, Contrast
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

CONTRAST = Contrast(np.zeros(5), np.zeros(5))


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


def test_as_a_method_it_gives_the_baseline_of_the_case() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(60, 30, (2, 6, 12, 14)).astype(np.float32)
    images = [sitk.GetImageFromArray(hu) for hu in (before, after)]
    for image in images:
        image.SetSpacing((0.8, 0.9, 3.0))
    hu = Kinetic().translate(Case(before, after, (0.8, 0.9, 3.0), CONTRAST), SynthesisSettings(), 0, Progress())
    np.testing.assert_array_equal(hu, sitk.GetArrayFromImage(kinetic_baseline(*images)))


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_few_slices_are_smoothed_within_each(slices: int) -> None:
    before, after = (np.random.default_rng(0).normal(60, 30, (2, slices, 12, 14))).astype(np.float32)
    case = Case(before, after, (0.8, 0.9, 3.0), CONTRAST)
    hu = Kinetic().translate(case, SynthesisSettings(), 0, Progress())
    assert hu.shape == before.shape
    alone = [Case(before[z : z + 1], after[z : z + 1], case.spacing, CONTRAST) for z in range(slices)]
    single = [Kinetic().translate(one, SynthesisSettings(), 0, Progress())[0] for one in alone]
    np.testing.assert_allclose(hu, np.stack(single), atol=1e-3)


def test_many_slices_are_smoothed_as_itk_does() -> None:
    before = np.random.default_rng(0).normal(60, 30, (6, 12, 14)).astype(np.float32)
    image = sitk.GetImageFromArray(before)
    image.SetSpacing((0.8, 0.9, 3.0))
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, 1.0))
    np.testing.assert_allclose(sitk.GetArrayFromImage(kinetic_baseline(image, image)), smooth, atol=1e-3)
