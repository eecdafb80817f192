"""The bundled segmenter on real CTs that are not part of the project; skipped where they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.segmentation.segmenter import segment_kidneys
from NephroSynthLib.settings import SegmentationSettings

DATA = Path(__file__).parents[3] / "shared/data"
if not DATA.is_dir():  # a worktree lies one folder deeper
    DATA = Path(__file__).parents[4] / "shared/data"
ENHANCED, ABOVE = DATA / "real_ct_enhanced", DATA / "real_ct_dicom"


@pytest.mark.skipif(not ENHANCED.is_dir(), reason="../shared/data/real_ct_enhanced is not there")
def test_both_kidneys_of_a_real_ct_with_a_fluid_filled_stomach_are_found() -> None:
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(ENHANCED / "kidneys.nii.gz")))

    found = segment_kidneys(read_volume(ENHANCED / "ct.nii.gz").image, SegmentationSettings())

    labels = sitk.GetArrayFromImage(found.labels)
    assert min(dice(labels == label, truth == label) for label in SIDES.values()) > 0.9
    assert not found.warnings


@pytest.mark.skipif(not ABOVE.is_dir(), reason="../shared/data/real_ct_dicom is not there")
def test_no_kidney_is_found_above_the_kidneys_and_the_spleen_is_warned_of() -> None:
    found = segment_kidneys(read_volume(ABOVE).image, SegmentationSettings())
    assert not found.volumes_ml
    assert found.warnings[0] == "No right and no left kidney was found."
    assert "left looks like kidney to the network" in found.warnings[1]
