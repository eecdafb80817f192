"""Headers that do not say where the voxels lie, or say it in two ways, are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.imaging.nifti import NiftiHeader, read_nifti_header
from NephroSynthLib.imaging.nifti_placement import nifti_placement

SPACING = (0.7, 0.8, 2.5)


def header(sform: np.ndarray | None, qform: np.ndarray | None, voxel_size: tuple[float, ...] = SPACING) -> NiftiHeader:
    return NiftiHeader((60, 50, 40), 1, np.dtype("i2"), 352, 240_000, None, voxel_size, None, qform, sform)


def form(angles: tuple[float, ...] = (0, 0, 0), shift: tuple[float, ...] = (10, -20, 30)) -> np.ndarray:
    result = np.eye(4)
    result[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * SPACING
    result[:3, 3] = shift
    return result


def sheared(amount: float) -> np.ndarray:
    result = form()
    result[:3, :3] = result[:3, :3] @ np.diag(1 / np.array(SPACING)) @ (np.eye(3) + amount * np.eye(3, k=1)) * SPACING
    return result


@pytest.mark.parametrize("angles", [(0, 0, 0), (17, -12, 30), (180, 0, 0), (90, 0, 90), (0, 180, 0)])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("taken", ["both", "sform", "qform"])
def test_sound_headers_are_placed_as_itk_does(
    tmp_path: Path, angles: tuple[float, ...], mirrored: bool, taken: str
) -> None:
    image = sitk.Image(6, 5, 4, sitk.sitkInt16)
    image.SetSpacing(SPACING)
    image.SetOrigin((-12.3, 45.6, 78.9))
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    image.SetDirection((rotation @ np.diag([1, 1, -1 if mirrored else 1])).ravel().tolist())
    path = tmp_path / "ct.nii"
    sitk.WriteImage(image, str(path))
    data = bytearray(path.read_bytes())
    if taken != "both":
        at = 252 if taken == "sform" else 254
        data[at : at + 2] = bytes(2)
        path.write_bytes(data)
    expected = sitk.ReadImage(str(path))
    found = nifti_placement("CT", read_nifti_header(path))
    np.testing.assert_allclose(found.spacing, expected.GetSpacing(), rtol=1e-7)
    np.testing.assert_allclose(found.origin, expected.GetOrigin(), atol=1e-5)
    np.testing.assert_allclose(found.direction, expected.GetDirection(), atol=1e-6)


@pytest.mark.parametrize(
    ("sform", "words"),
    [
        (np.diag([-1.0, 1, 1, 1]) @ form(), "sform and its qform are mirror images"),
        (form(shift=(50, -20, 30)), "sform and its qform place the volume 40.0 mm apart"),
        (form(angles=(0, 0, 10)), "sform and its qform are 10.0 degrees apart"),
        (form() @ np.diag([1, 1, 0.6, 1]), "2.5 mm in pixdim and 0.7 × 0.8 × 1.5 mm in the sform"),
    ],
)
def test_a_contradiction_is_refused_and_both_sides_are_named(sform: np.ndarray, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        nifti_placement("CT", header(sform, form()))


@pytest.mark.parametrize("size", [0.0, float("nan"), float("inf")])
def test_a_missing_spacing_is_refused_and_the_sform_is_named(size: float) -> None:
    invalid = form()
    invalid[:3, 2] = np.nan if size else 0
    with pytest.raises(GeometryError, match=r"pixdim is 0.7 × 0.8 × .* Its sform says 0.7 × 0.8 × 2.5 mm"):
        nifti_placement("CT", header(form(), invalid, (0.7, 0.8, size)))


def test_a_header_without_forms_is_refused() -> None:
    with pytest.raises(GeometryError, match="codes of its sform and its qform are both 0"):
        nifti_placement("CT", header(None, None))


def test_a_form_that_is_no_grid_is_named_unless_the_other_is_sound() -> None:
    broken = form()
    broken[0, 0] = np.nan
    with pytest.raises(GeometryError, match="sform in the NIfTI header of the CT is not valid"):
        nifti_placement("CT", header(broken, None))
    with pytest.raises(GeometryError, match="sform and the qform in the NIfTI header of the CT are not valid"):
        nifti_placement("CT", header(np.zeros((4, 4)), broken))
    sound = nifti_placement("CT", header(None, form()))
    assert nifti_placement("CT", header(broken, form())) == sound
    assert nifti_placement("CT", header(form(), broken)) == sound


def test_metres_are_refused() -> None:
    with pytest.raises(GeometryError, match="in metres, not in mm"):
        nifti_placement("CT", replace(header(form(), form()), unit="metres"))


def test_shear_is_refused_beyond_rounding() -> None:
    nifti_placement("CT", header(sheared(3e-4), None))
    nifti_placement("CT", header(sheared(3e-4), form()))
    with pytest.raises(GeometryError, match="tilted gantry"):
        nifti_placement("CT", header(sheared(0.05), form()))
