from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.imaging.sides import (
    LEFT,
    RIGHT,
    SIDE_CODES,
    SIDE_NAMES,
    SIDES,
    is_horseshoe,
    lateral_positions,
    midline,
)

SHAPE, MM = (20, 60, 100), 3.0
LATERAL = np.arange(100) * MM - 150
AXES = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))


def cylinder(y: float, x: float, radius_y: float, radius_x: float) -> np.ndarray:
    return ((AXES[1] - y) / radius_y) ** 2 + ((AXES[2] - x) / radius_x) ** 2 <= 1


@pytest.fixture
def body() -> np.ndarray:
    return np.where(cylinder(30, 50, 25, 45), 40.0, -1000.0)


def test_without_bone_the_middle_is_the_bodys(body: np.ndarray) -> None:
    assert midline(body, LATERAL, MM**3) == pytest.approx(0, abs=MM)
    assert midline(np.roll(body, 5, axis=2), LATERAL, MM**3) == pytest.approx(15, abs=MM)


def test_the_spine_tells_the_middle_where_only_one_flank_is_in_view(body: np.ndarray) -> None:
    body[cylinder(45, 50, 6, 6)] = 400.0
    assert midline(body[:, :, 40:], LATERAL[40:], MM**3) == pytest.approx(0, abs=MM)


def test_axes_in_another_order_change_nothing(body: np.ndarray) -> None:
    body[cylinder(45, 40, 6, 6)] = 400.0
    turned = midline(body.transpose(2, 0, 1), LATERAL[:, None, None], MM**3)
    assert turned == midline(body, LATERAL, MM**3) == pytest.approx(-30, abs=MM)


def test_an_empty_volume_has_the_middle_of_its_grid() -> None:
    assert midline(np.full(SHAPE, -1000.0), LATERAL, MM**3) == pytest.approx(LATERAL.mean(), abs=MM)


@pytest.mark.parametrize(
    ("right", "left", "expected"),
    [(-80, 80, True), (-40, 95, True), (-90, 30, False), (-20, 60, False), (-50, 50, False), (10, 150, False)],
)
def test_a_horseshoe_kidney_reaches_far_over_the_middle_on_both_sides(
    right: float, left: float, expected: bool
) -> None:
    assert is_horseshoe(np.linspace(right, left, 30), 0.0) is expected
    assert is_horseshoe(np.linspace(right, left, 30) + 40, 40.0) is expected


def test_a_label_stands_for_one_side() -> None:
    assert SIDES == {"right": RIGHT, "left": LEFT}
    assert SIDE_NAMES == {1: "right", 2: "left"}
    assert {SIDE_CODES[label][2].lower(): label for label in (RIGHT, LEFT)} == SIDES


@pytest.mark.parametrize("orientation", ["LPS", "SRA", "PIR"])
def test_lateral_positions_are_the_x_of_the_voxel_centres(orientation: str) -> None:
    image = sitk.Image((5, 4, 3), sitk.sitkFloat32)
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((-12.0, 5.0, 80.0))
    cosine, sine = np.cos(0.3), np.sin(0.3)
    image.SetDirection((cosine, -sine, 0, sine, cosine, 0, 0, 0, 1))
    image = sitk.DICOMOrient(image, orientation)

    lateral = np.broadcast_to(lateral_positions(image), image.GetSize()[::-1])

    for index in np.ndindex(image.GetSize()):
        x = image.TransformIndexToPhysicalPoint(index)[0]
        assert lateral[index[::-1]] == pytest.approx(x, abs=1e-9)
