from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from grid_indices import to_indices
from scipy import ndimage

from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.simulation import Grid, SimulatedExam, simulate


@pytest.fixture(scope="module")
def exam() -> SimulatedExam:
    return simulate(900_003, reference=Grid((20, 36, 48), (5.6, 5.8, 8.5), (-140.0, -100.0, -600.0)))


def test_images_carry_values_and_geometry(exam: SimulatedExam) -> None:
    images = to_images(exam)
    for name, phase in exam.phases.items():
        assert np.array_equal(sitk.GetArrayFromImage(images[name]), phase.hu)
        np.testing.assert_allclose(images[name].GetSpacing(), phase.grid.spacing)
        np.testing.assert_allclose(images[name].GetOrigin(), phase.grid.origin)
    for name in ("labels", "kidneys", "nephrographic_truth"):
        assert images[name].GetSize() == images["noncontrast"].GetSize()
        assert images[name].GetOrigin() == images["noncontrast"].GetOrigin()


@pytest.mark.parametrize("name", ["nephrographic", "excretory"])
def test_itk_resamples_a_phase_with_its_displacement_as_scipy_does(exam: SimulatedExam, name: str) -> None:
    images, phase = to_images(exam), exam.phases[name]
    transform = sitk.DisplacementFieldTransform(sitk.Image(images[f"{name}_displacement"]))
    warped = sitk.Resample(images[name], images["noncontrast"], transform, sitk.sitkLinear, -1024.0)
    z, y, x = exam.reference.axes()
    points = np.moveaxis(phase.displacement + np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None])), 0, -1)
    indices = np.moveaxis(to_indices(phase.grid, points), -1, 0)
    expected = ndimage.map_coordinates(phase.hu, indices, order=1, cval=np.nan)
    known = np.isfinite(expected)
    assert known.mean() > 0.7
    np.testing.assert_allclose(sitk.GetArrayFromImage(warped)[known], expected[known], atol=0.5)
