from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from NephroSynthLib.dicom.stack import Plane, heights, irregularity, stack_of

angle = st.floats(-180, 180)
spacing = st.floats(0.4, 8.0)


def planes(
    rotation: np.ndarray, positions: list[float], shift: np.ndarray | None = None, digits: int = 8
) -> list[Plane]:
    """Slices along the third column of `rotation`, `shift` mm sideways for each mm."""
    along = rotation[:, 2] + (0 if shift is None else shift)
    orientation = tuple(np.round(rotation[:, :2].T.ravel(), digits))
    return [Plane(tuple(np.round(height * along, digits)), orientation, (0.7, 0.8), (64, 48)) for height in positions]


@given(st.tuples(angle, angle, angle), spacing, st.integers(2, 80))
def test_a_regular_stack_has_the_grid_it_was_made_from(angles: tuple[float, ...], step: float, count: int) -> None:
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    slices = planes(rotation, [step * index for index in range(count)], digits=5)
    assert irregularity(slices) is None
    stack = stack_of(slices)
    assert stack.size == (64, 48, count)
    np.testing.assert_allclose(stack.spacing, (0.7, 0.8, step), atol=1e-3)
    direction = np.reshape(stack.direction, (3, 3))
    np.testing.assert_allclose(direction, rotation, atol=1e-4)
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)


@given(spacing, st.integers(4, 80), st.data())
def test_a_missing_slice_is_told_with_its_place(step: float, count: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, count - 2))
    slices = planes(np.eye(3), [step * index for index in range(count) if index != gone])
    if count == 4:
        assert irregularity(slices) is not None
    else:
        assert irregularity(slices) == f"missing slices (1 after slice {gone})"


@given(st.floats(1.0, 8.0), st.integers(6, 80))
def test_spacing_that_grows_is_told(step: float, count: int) -> None:
    slices = planes(np.eye(3), [step * index * (1 + 0.5 * index / count) for index in range(count)])
    assert "irregular slice spacing" in str(irregularity(slices))


@given(st.floats(1.0, 30.0), st.tuples(angle, angle, angle))
def test_gantry_tilt_is_told_with_its_angle(tilt: float, angles: tuple[float, ...]) -> None:
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    slices = planes(rotation, [3.0 * index for index in range(40)], np.tan(np.deg2rad(tilt)) * rotation[:, 1])
    told = irregularity(slices)
    assert told is not None
    assert told.startswith("gantry tilt of ")
    assert abs(float(told.split()[3]) - tilt) <= 0.0501


@given(st.floats(0.001, 0.05))
def test_positions_rounded_by_the_scanner_are_regular(rounding: float) -> None:
    heights_mm = [np.round(0.7 * index / rounding) * rounding for index in range(200)]
    assert irregularity(planes(np.eye(3), heights_mm)) is None


def test_images_at_one_position_are_told() -> None:
    assert "same position" in str(irregularity(planes(np.eye(3), [0.0, 3.0, 3.0, 6.0])))


def test_a_slice_beside_the_others_is_told() -> None:
    slices = planes(np.eye(3), [3.0 * index for index in range(20)])
    x, y, z = slices[7].position
    slices[7] = Plane((x + 5, y, z), slices[7].orientation, slices[7].spacing, slices[7].size)
    assert irregularity(slices) == "slices shifted sideways"


def test_heights_are_distances_along_the_normal() -> None:
    rotation = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_matrix()
    np.testing.assert_allclose(heights(planes(rotation, [-4.0, 1.0, 2.5])), [-4.0, 1.0, 2.5], atol=1e-6)


@pytest.mark.parametrize("change", [{"size": (64, 64)}, {"spacing": (0.7, 0.7)}, {"orientation": (0, 1, 0, 1, 0, 0)}])
def test_other_slices_are_not_parallel(change: dict[str, tuple[float, ...]]) -> None:
    (plane,) = planes(np.eye(3), [0.0])
    attributes = {
        "position": plane.position,
        "orientation": plane.orientation,
        "spacing": plane.spacing,
        "size": plane.size,
    }
    assert plane.parallel(Plane(**attributes))
    assert not plane.parallel(Plane(**{**attributes, **change}))
