"""The bundled segmenter on real CTs that are not part of the project; skipped where they are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.segmentation.segmenter import segment_kidneys
from NephroSynthLib.settings import SegmentationSettings

DATA = Path(__file__).parents[3] / "shared/data"
if not DATA.is_dir():  # a worktree lies one folder deeper
    DATA = Path(__file__).parents[4] / "shared/data"
ENHANCED, ABOVE = DATA / "real_ct_enhanced", DATA / "real_ct_dicom"


needs_enhanced = pytest.mark.skipif(not ENHANCED.is_dir(), reason="../shared/data/real_ct_enhanced is not there")


@needs_enhanced
def test_both_kidneys_of_a_real_ct_with_a_fluid_filled_stomach_are_found() -> None:
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(ENHANCED / "kidneys.nii.gz")))

    found = segment_kidneys(read_volume(ENHANCED / "ct.nii.gz").image, SegmentationSettings())

    labels = sitk.GetArrayFromImage(found.labels)
    assert min(dice(labels == label, truth == label) for label in SIDES.values()) > 0.9
    assert not found.warnings


def _cut(name: str, kidneys: NDArray[np.uint8]) -> tuple[slice, ...]:
    """Returns the part of the grid (z, y, x; 3 x 1.5 x 1.5 mm) that a field of view shows."""
    z, y, x = ((int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(kidneys))
    middle = sum(z) // 2
    return {
        "15 mm around": (slice(z[0] - 5, z[1] + 5), slice(y[0] - 10, y[1] + 10), slice(x[0] - 10, x[1] + 10)),
        "upper half": np.s_[middle:, :, :],
        "slab of 36 mm": np.s_[middle - 6 : middle + 6, :, :],
        "both sides cut": np.s_[:, :, x[0] + 14 : x[1] - 14],
    }[name]


@needs_enhanced
@pytest.mark.parametrize("name", ["15 mm around", "upper half", "slab of 36 mm", "both sides cut"])
def test_the_kidneys_of_a_real_ct_are_found_in_each_field_of_view(name: str) -> None:
    truth = sitk.ReadImage(str(ENHANCED / "kidneys.nii.gz"))
    box = _cut(name, sitk.GetArrayFromImage(truth))[::-1]

    found = segment_kidneys(read_volume(ENHANCED / "ct.nii.gz").image[box], SegmentationSettings())

    labels, expected = sitk.GetArrayFromImage(found.labels), sitk.GetArrayFromImage(truth[box])
    assert min(dice(labels == label, expected == label) for label in SIDES.values()) > 0.87


@pytest.mark.skipif(not ABOVE.is_dir(), reason="../shared/data/real_ct_dicom is not there")
def test_no_kidney_is_found_above_the_kidneys_and_the_spleen_is_warned_of() -> None:
    found = segment_kidneys(read_volume(ABOVE).image, SegmentationSettings())
    assert not found.volumes_ml
    assert found.warnings[0] == "No right and no left kidney was found."
    assert "left looks like kidney to the network" in found.warnings[1]
