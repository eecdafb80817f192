"""The measures of the KiTS challenges, against closed forms, scipy and SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from NephroSynthLib.evaluation.kits_measures import CLASSES, KIDNEY_AND_MASSES, Agreement, kits_measures

SPACING = (0.5, 0.6, 0.75)
RADIUS_MM = 12.0


def labels(array: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> sitk.Image:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    return image


def ball(centre_mm: float) -> np.ndarray:
    z, y, x = np.ogrid[:40, :50, :70]
    return ((z - 20) * 0.75) ** 2 + ((y - 25) * 0.6) ** 2 + (x * 0.5 - centre_mm) ** 2 <= RADIUS_MM**2


def surface(mask: np.ndarray) -> np.ndarray:
    """Returns the area of the surface (mm^2) in each cube of eight voxels, from the differences of its faces."""
    corners = list(np.ndindex(2, 2, 2))
    cube = [np.roll(mask.astype(float), -np.array(corner), (0, 1, 2)) for corner in corners]
    rise = [
        sum((1, -1)[corner[axis]] * one for corner, one in zip(np.ndindex(2, 2, 2), cube, strict=True))
        for axis in range(3)
    ]
    z, y, x = SPACING[::-1]
    area = np.sqrt(sum((each / 4 * face) ** 2 for each, face in zip(rise, (y * x, z * x, z * y), strict=True)))
    mixed = (sum(cube) > 0) & (sum(cube) < 8)
    return np.where(mixed, np.maximum(area, 1e-9), 0.0)


def surface_dice(first: np.ndarray, second: np.ndarray, tolerance_mm: float) -> float:
    """Returns the surface Dice (Nikolov et al., Eq. 1), with distances by a distance transform."""
    areas = surface(first), surface(second)
    distances = [ndimage.distance_transform_edt(area == 0, sampling=SPACING[::-1]) for area in areas]
    near = sum(area[distance <= tolerance_mm].sum() for area, distance in zip(areas, distances[::-1], strict=True))
    return float(near / sum(area.sum() for area in areas))


@pytest.mark.parametrize("shift", [0.0, 1.5, 3.0, 5.0])
def test_surface_dice_and_dice_of_shifted_balls(shift: float) -> None:
    first, second = ball(15.0), ball(15.0 + shift)
    found = kits_measures(labels(first), labels(second), [KIDNEY_AND_MASSES])["kidney and masses"]
    expected = surface_dice(first, second, KIDNEY_AND_MASSES.tolerance_mm)
    assert found.surface_dice == pytest.approx(expected, abs=0.03)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(labels(first), labels(second))
    assert found.dice == pytest.approx(overlap.GetDiceCoefficient(1))


@pytest.mark.parametrize(("thickness_mm", "surface_dice"), [(1.03, 1.0), (1.04, 0.5), (1.2, 0.5)])
def test_the_tolerance_of_kidneys_lies_between_1_03_and_1_04_mm(thickness_mm: float, surface_dice: float) -> None:
    """Of two wide slabs with one face in common, the other faces lie a voxel apart: half of the surface counts."""
    first, second = np.zeros((8, 130, 130)), np.zeros((8, 130, 130))
    first[2:5, 1:-1, 1:-1], second[2:6, 1:-1, 1:-1] = 1, 1
    spacing = (1.0, 1.0, thickness_mm)
    found = kits_measures(labels(first, spacing), labels(second, spacing), [KIDNEY_AND_MASSES])["kidney and masses"]
    assert found.surface_dice == pytest.approx(surface_dice, abs=0.04)
    assert found.dice == pytest.approx(6 / 7)


def test_classes_join_the_labels_of_the_challenge() -> None:
    reference, predicted = np.zeros((12, 12, 12)), np.zeros((12, 12, 12))
    reference[2:6, 2:10, 2:10], reference[6:8, 2:10, 2:10], reference[8:10, 2:10, 2:10] = 1, 2, 3
    predicted[2:6, 2:10, 2:10], predicted[6:9, 2:10, 2:10], predicted[9:10, 2:10, 2:10] = 1, 2, 3
    found = kits_measures(labels(predicted), labels(reference))
    assert list(found) == ["kidney and masses", "masses", "tumour"]
    assert found["kidney and masses"] == found["masses"] == Agreement(1.0, 1.0)
    assert found["tumour"].dice == pytest.approx(2 * 2 / 5)
    assert [each.labels for each in CLASSES] == [(1, 2, 3), (2, 3), (2,)]


def test_a_class_that_one_or_both_lack() -> None:
    nothing, kidney = np.zeros((12, 12, 12)), np.zeros((12, 12, 12))
    kidney[3:8, 3:8, 3:8] = 1
    assert set(kits_measures(labels(nothing), labels(nothing)).values()) == {Agreement(1.0, 1.0)}
    for found in (kits_measures(labels(kidney), labels(nothing)), kits_measures(labels(nothing), labels(kidney))):
        assert found["kidney and masses"] == Agreement(0.0, 0.0)
        assert found["tumour"] == Agreement(1.0, 1.0)
