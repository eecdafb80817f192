from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.imaging.sides import LEFT, RIGHT, SIDES
from NephroSynthLib.segmentation.across_phases import without_contradictions
from NephroSynthLib.segmentation.segmenter import Segmentation, volumes_ml

SHAPE, SPACING = (40, 50, 90), (4.0, 4.0, 4.0)
Box = tuple[slice, slice, slice]
RIGHT_BOX = (slice(10, 32), slice(25, 37), slice(16, 28))
LEFT_BOX = (slice(12, 34), slice(25, 37), slice(62, 74))
BOWEL = (slice(2, 9), slice(5, 14), slice(62, 71))


def to_image(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    image.SetOrigin((-178.0, -98.0, -500.0))
    return image


def phase(
    kidneys: dict[int, Box], hu: float, evidence: dict[str, float] | None = None
) -> tuple[sitk.Image, Segmentation]:
    """Returns a phase with both real kidneys at `hu`, and the kidneys that a segmenter found in it."""
    values, labels = np.full(SHAPE, 30.0, np.float32), np.zeros(SHAPE, np.uint8)
    for label, box in kidneys.items():
        labels[box] = label
        values[box] = hu if box is not BOWEL else 30.0
    found = to_image(labels)
    return to_image(values), Segmentation(found, volumes_ml(found), (), ("a model", ""), evidence=evidence or {})


def moved(box: Box, voxels: int) -> Box:
    return slice(box[0].start + voxels, box[0].stop + voxels), box[1], box[2]


def sides(found: Segmentation) -> set[int]:
    return set(np.unique(sitk.GetArrayViewFromImage(found.labels))) - {0}


def test_kidneys_that_agree_are_kept_though_the_patient_moved() -> None:
    before = phase({RIGHT: RIGHT_BOX, LEFT: LEFT_BOX}, 30)
    after = phase({RIGHT: moved(RIGHT_BOX, 5), LEFT: moved(LEFT_BOX, 6)}, 90)
    fixed, moving = without_contradictions(*before, *after)
    assert sides(fixed) == sides(moving) == {RIGHT, LEFT}
    assert not fixed.warnings


def test_a_kidney_that_only_one_phase_shows_is_left_out_where_nothing_enhances() -> None:
    before, after = phase({RIGHT: RIGHT_BOX, LEFT: BOWEL}, 30), phase({RIGHT: RIGHT_BOX}, 90)
    fixed, _moving = without_contradictions(*before, *after)
    assert sides(fixed) == {RIGHT}
    assert fixed.volumes_ml.keys() == {"right"}
    (warning,) = fixed.warnings
    assert "left kidney that the non-contrast phase seems to show was left out" in warning
    assert "(30 to 30 HU)" in warning


def test_a_kidney_that_the_segmenter_missed_in_one_phase_is_kept_because_it_enhances() -> None:
    before = phase({RIGHT: RIGHT_BOX, LEFT: LEFT_BOX}, 30)
    image, _ = phase({RIGHT: RIGHT_BOX, LEFT: LEFT_BOX}, 90)
    _, only_right = phase({RIGHT: RIGHT_BOX}, 90)
    fixed, _moving = without_contradictions(*before, image, only_right)
    assert sides(fixed) == {RIGHT, LEFT}


def test_a_kidney_outside_the_other_phase_is_kept() -> None:
    before = phase({RIGHT: RIGHT_BOX, LEFT: LEFT_BOX}, 30)
    image, found = phase({RIGHT: RIGHT_BOX}, 90)
    view = [50, SHAPE[1], SHAPE[0]]
    labels = sitk.RegionOfInterest(found.labels, view)
    half = Segmentation(labels, volumes_ml(labels), (), ("a model", ""))
    fixed, _moving = without_contradictions(*before, sitk.RegionOfInterest(image, view), half)
    assert sides(fixed) == {RIGHT, LEFT}


@pytest.mark.parametrize("wrong", ["right", "left"])
def test_of_two_kidneys_that_contradict_each_other_the_less_plausible_one_is_left_out(wrong: str) -> None:
    evidence = {"right": 9.0, "left": 9.0, wrong: 1.0}
    true = {RIGHT: RIGHT_BOX, LEFT: LEFT_BOX}
    elsewhere = {RIGHT: (slice(0, 7), slice(5, 14), slice(16, 25)), LEFT: BOWEL}[SIDES[wrong]]
    before = phase({**true, SIDES[wrong]: elsewhere}, 30, evidence)
    after = phase(true, 90, evidence)
    fixed, moving = without_contradictions(*before, *after)
    assert sides(fixed) == sides(moving) == {RIGHT, LEFT} - {SIDES[wrong]}
    assert f"The {wrong} kidney was left out: the two phases show it at different places" in fixed.warnings[0]


def test_the_last_kidney_is_kept_with_the_doubt() -> None:
    before, after = phase({LEFT: BOWEL}, 30), phase({}, 90)
    fixed, _moving = without_contradictions(*before, *after)
    assert sides(fixed) == {LEFT}
    assert len(fixed.warnings) == 1


def test_given_kidneys_are_not_questioned() -> None:
    image, found = phase({RIGHT: RIGHT_BOX, LEFT: BOWEL}, 30)
    given = Segmentation(found.labels, found.volumes_ml, (), ("given", ""))
    assert without_contradictions(image, given, *phase({RIGHT: RIGHT_BOX}, 90))[0] is given
