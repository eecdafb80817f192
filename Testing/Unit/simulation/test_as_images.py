from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.simulation import SimulatedExam
from NephroSynthLib.simulation.as_images import to_image, to_images


def test_images_carry_values_and_geometry(exams: list[SimulatedExam]) -> None:
    exam = exams[0]
    images = to_images(exam)
    for name, phase in exam.phases.items():
        assert np.array_equal(sitk.GetArrayFromImage(images[name]), phase.hu)
        np.testing.assert_allclose(images[name].GetSpacing(), phase.grid.spacing)
        np.testing.assert_allclose(images[name].GetOrigin(), phase.grid.origin)
    for name in ("labels", "kidneys", "nephrographic_truth"):
        assert images[name].GetSize() == images["noncontrast"].GetSize()


def test_itk_resamples_a_phase_onto_the_reference_with_its_displacement(exams: list[SimulatedExam]) -> None:
    exam = exams[1]
    images = to_images(exam)
    for name in ("nephrographic", "excretory"):
        transform = sitk.DisplacementFieldTransform(sitk.Image(images[f"{name}_displacement"]))
        moving = to_image(exam.phases[name].kidneys, exam.phases[name].grid)
        warped = sitk.GetArrayFromImage(
            sitk.Resample(moving, images["noncontrast"], transform, sitk.sitkNearestNeighbor, 0)
        )
        still = sitk.GetArrayFromImage(
            sitk.Resample(moving, images["noncontrast"], sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        )
        aligned, before = (
            2 * np.sum((m > 0) & (exam.kidneys > 0)) / ((m > 0).sum() + (exam.kidneys > 0).sum())
            for m in (warped, still)
        )
        assert aligned > 0.93
        assert aligned >= before
