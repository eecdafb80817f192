from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.report.planes import PIXEL_MM, Extent, axial, coronal, find_anatomy, sagittal


def coordinates(axis: int) -> sitk.Image:
    """An image whose value is its own LPS coordinate along an axis, in mm."""
    z, y, x = np.meshgrid(np.arange(-60.0, 61, 4), np.arange(-50.0, 51, 2), np.arange(-40.0, 41, 2), indexing="ij")
    image = sitk.GetImageFromArray((x, y, z)[axis].astype(np.float32))
    image.SetSpacing((2, 2, 4))
    image.SetOrigin((-40, -50, -60))
    return image


EXTENT = Extent(np.array([-30.0, -40.0, -50.0]), np.array([30.0, 20.0, 40.0]))


@pytest.mark.parametrize(
    ("plane", "axes"),
    [
        (axial(8.0, EXTENT), {0: "right", 1: "down", 2: 8.0}),
        (coronal(-6.0, EXTENT), {0: "right", 1: -6.0, 2: "up"}),
        (sagittal(4.0, EXTENT), {0: 4.0, 1: "right", 2: "up"}),
    ],
)
@pytest.mark.parametrize("orientation", ["LPS", "RAI", "SRA"])
def test_a_plane_shows_each_point_where_the_letters_say(plane, axes, orientation) -> None:  # noqa: ANN001
    rows, columns = (round(size / PIXEL_MM) for size in (plane.height_mm, plane.width_mm))
    across, along = (np.arange(columns) + 0.5) * PIXEL_MM, (np.arange(rows) + 0.5) * PIXEL_MM
    for axis, course in axes.items():
        shown = plane.sample(sitk.DICOMOrient(coordinates(axis), orientation))
        expected = {
            "right": EXTENT.lower[axis] + across[None, :],
            "down": EXTENT.lower[axis] + along[:, None],
            "up": EXTENT.upper[axis] - along[:, None],
        }.get(course, course)
        np.testing.assert_allclose(shown, np.broadcast_to(expected, (rows, columns)), atol=1e-3)


def test_letters_name_the_patient_s_sides() -> None:
    assert axial(0, EXTENT).letters == ("R", "L", "A", "P")
    assert coronal(0, EXTENT).letters == ("R", "L", "S", "I")
    assert sagittal(0, EXTENT).letters == ("A", "P", "S", "I")


def test_body_and_kidneys_are_found_where_they_were_drawn(drawn: SimpleNamespace) -> None:
    anatomy = find_anatomy(drawn.noncontrast, drawn.kidneys)
    np.testing.assert_allclose(anatomy.body.lower[:2], (-112, -80), atol=10)
    np.testing.assert_allclose(anatomy.body.upper[:2], (112, 80), atol=10)
    np.testing.assert_allclose(anatomy.kidneys["right"].lower, (-80, 0, -48), atol=4)
    np.testing.assert_allclose(anatomy.kidneys["left"].upper, (79, 42, 58), atol=4)
    np.testing.assert_allclose(anatomy.centroids["right"], (-55, 22, 0), atol=2)
    assert -6 <= anatomy.axial_z <= 12


def test_a_thin_table_is_not_part_of_the_body(drawn: SimpleNamespace) -> None:
    array = sitk.GetArrayFromImage(drawn.noncontrast)
    array[:, -2:, :] = 200
    with_table = sitk.GetImageFromArray(array)
    with_table.CopyInformation(drawn.noncontrast)
    anatomy = find_anatomy(with_table, drawn.kidneys)
    assert anatomy.body.upper[1] < 95


def test_a_single_kidney_is_enough(drawn: SimpleNamespace) -> None:
    left = sitk.Cast(drawn.kidneys == 2, sitk.sitkUInt8) * 2
    anatomy = find_anatomy(drawn.noncontrast, left)
    assert list(anatomy.kidneys) == ["left"]
    assert abs(anatomy.axial_z - 8) < 6
