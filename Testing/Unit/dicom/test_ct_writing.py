from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from scipy.spatial.transform import Rotation

from NephroSynthLib.dicom.ct_writing import write_ct_series
from NephroSynthLib.errors import GeometryError, ImageContentError

spacings = st.tuples(*[st.floats(0.2, 12.0)] * 3)
origins = st.tuples(*[st.floats(-3000.0, 3000.0)] * 3)
voxels = arrays(np.int16, array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5))


def _image(values: np.ndarray) -> sitk.Image:
    return sitk.GetImageFromArray(values.astype(np.float32))


def _write(image: sitk.Image, folder: Path) -> list[pydicom.Dataset]:
    uids = [generate_uid() for _ in range(image.GetDepth())]
    return [pydicom.dcmread(path, force=True) for path in write_ct_series(image, folder, Dataset(), uids)]


@settings(max_examples=50, deadline=None)
@given(values=voxels, spacing=spacings, origin=origins, seed=st.integers(0, 2**32 - 1), mirrored=st.booleans())
def test_any_grid_keeps_its_values_and_places(
    values: np.ndarray, spacing: tuple[float, ...], origin: tuple[float, ...], seed: int, mirrored: bool
) -> None:
    image = _image(values)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    rotation = Rotation.random(rng=np.random.default_rng(seed)).as_matrix() * ([1, 1, -1] if mirrored else 1)
    image.SetDirection(rotation.ravel().tolist())
    with tempfile.TemporaryDirectory() as folder:
        instances = _write(image, Path(folder))
    for index, instance in enumerate(instances):
        np.testing.assert_array_equal(instance.pixel_array, values[index])
        row, column = np.reshape(instance.ImageOrientationPatient, (2, 3))
        last = (image.GetWidth() - 1, image.GetHeight() - 1, index)
        corner = np.array(instance.ImagePositionPatient, dtype=float)
        corner += row * instance.PixelSpacing[1] * last[0] + column * instance.PixelSpacing[0] * last[1]
        np.testing.assert_allclose(corner, image.TransformIndexToPhysicalPoint(last), atol=1e-6)


def test_fractions_are_rounded_to_whole_hounsfield_units(tmp_path: Path) -> None:
    [instance] = _write(_image(np.array([[[-1000.4, 39.6], [0.4, 180.2]]])), tmp_path)
    np.testing.assert_array_equal(instance.pixel_array, [[-1000, 40], [0, 180]])


@pytest.mark.parametrize("value", [np.nan, np.inf, 40000.0, -40000.0])
def test_values_that_no_ct_has_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ImageContentError):
        _write(_image(np.array([[[0.0, value]]])), tmp_path)


def test_flat_and_colour_images_are_refused(tmp_path: Path) -> None:
    for image in (sitk.Image(4, 4, sitk.sitkFloat32), sitk.Image((4, 4, 4), sitk.sitkVectorFloat32, 3)):
        with pytest.raises(ImageContentError):
            write_ct_series(image, tmp_path, Dataset(), [])


def test_sheared_planes_are_refused(tmp_path: Path) -> None:
    image = _image(np.zeros((2, 3, 4)))
    image.SetDirection((1.0, 0.2, 0.0, 0.0, 0.98, 0.0, 0.0, 0.0, 1.0))
    with pytest.raises(GeometryError):
        _write(image, tmp_path)
