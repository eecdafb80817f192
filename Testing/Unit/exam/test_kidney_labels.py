from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import (
    GeometryError,
    ImageContentError,
    InputError,
    NoKidneyError,
    UnreadableInputError,
    UsageError,
)
from NephroSynthLib.exam.kidney_labels import read_kidneys
from NephroSynthLib.imaging.dice import dice

Phantom = Callable[..., sitk.Image]


@pytest.fixture(scope="module")
def reference(phantom: Phantom) -> sitk.Image:
    return phantom()


@pytest.fixture
def kidneys(reference: sitk.Image, phantom_kidneys: Callable[[sitk.Image], sitk.Image]) -> sitk.Image:
    return phantom_kidneys(reference)


def relabelled(kidneys: sitk.Image, values: dict[int, int]) -> sitk.Image:
    return sitk.Cast(sitk.ChangeLabel(kidneys, {float(old): float(new) for old, new in values.items()}), sitk.sitkUInt8)


def with_block(kidneys: sitk.Image, value: int, *, right: bool) -> sitk.Image:
    """The label map with another structure away from the kidneys."""
    values = sitk.GetArrayFromImage(kidneys)
    values[4:9, 15:20, 15 : 20 if right else 55] = value
    if not right:
        values[4:9, 15:20, 50:55] = value
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(kidneys)
    return result


def read(kidneys: sitk.Image, reference: sitk.Image, path: Path) -> tuple[np.ndarray, list[str]]:
    sitk.WriteImage(kidneys, str(path))
    labels, warnings = read_kidneys(path, reference)
    assert labels.GetPixelID() == sitk.sitkUInt8
    assert labels.GetSize() == reference.GetSize()
    assert labels.GetOrigin() == reference.GetOrigin()
    return sitk.GetArrayFromImage(labels), warnings


def refusal(kidneys: sitk.Image, reference: sitk.Image, path: Path, error: type[InputError]) -> str:
    sitk.WriteImage(kidneys, str(path))
    with pytest.raises(error) as caught:
        read_kidneys(path, reference)
    assert caught.value.exit_code == 3
    assert caught.value.action
    assert "kidney" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("pixel_type", [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkFloat64])
def test_one_right_two_left(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, suffix: str, pixel_type: int
) -> None:
    labels, warnings = read(sitk.Cast(kidneys, pixel_type), reference, tmp_path / f"k.{suffix}")
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
    assert warnings == []


def test_only_a_dicom_segmentation_needs_highdicom(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    monkeypatch.delitem(sys.modules, "NephroSynthLib.dicom.segmentation_reading", raising=False)
    labels, _ = read(kidneys, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
    segmentation = tmp_path / "k.dcm"
    segmentation.write_bytes(bytes(128) + b"DICM")
    with pytest.raises(UsageError, match="highdicom, which reads DICOM segmentations, is not installed"):
        read_kidneys(segmentation, reference)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [False, True])
def test_another_order_of_axes_changes_nothing(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, order: tuple[int, ...], flip: bool
) -> None:
    stored = sitk.Flip(sitk.PermuteAxes(kidneys, order), (flip, not flip, flip))
    labels, warnings = read(stored, reference, tmp_path / "k.nrrd")
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
    assert warnings == []


def test_another_grid_is_resampled(
    phantom: Phantom,
    phantom_kidneys: Callable[[sitk.Image], sitk.Image],
    kidneys: sitk.Image,
    reference: sitk.Image,
    tmp_path: Path,
) -> None:
    fine = phantom_kidneys(phantom(size=(120, 94, 40), spacing=(3.0, 3.0, 3.0)))
    labels, _ = read(fine, reference, tmp_path / "k.nii.gz")
    truth = sitk.GetArrayFromImage(kidneys)
    for side in (1, 2):
        assert dice(labels == side, truth == side) > 0.9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({1: 2, 2: 1}, "wrong sides"),
        ({1: 1, 2: 1}, "by position"),
        ({1: 7, 2: 7}, "by position"),
        ({1: 2, 2: 3}, "TotalSegmentator"),
    ],
)
def test_other_values_are_told_apart_with_a_warning(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, values: dict[int, int], said: str
) -> None:
    labels, warnings = read(relabelled(kidneys, values), reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
    assert len(warnings) == 1
    assert said in warnings[0]


def test_all_labels_of_totalsegmentator(kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
    total = with_block(with_block(relabelled(kidneys, {1: 2, 2: 3}), 1, right=False), 5, right=True)
    labels, warnings = read(total, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
    assert "TotalSegmentator" in warnings[0]


def test_kidney_and_tumour_as_in_kits(kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
    values = sitk.GetArrayFromImage(relabelled(kidneys, {1: 1, 2: 1}))
    truth = sitk.GetArrayFromImage(kidneys)
    upper_left = (truth == 2) & (np.arange(len(truth)) > 12)[:, None, None]
    values[upper_left] = 2
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(kidneys)
    labels, warnings = read(image, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, truth)
    assert "by position" in warnings[0]


def test_a_horseshoe_kidney_is_cut_at_the_midline(kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
    values = np.minimum(sitk.GetArrayFromImage(kidneys), 1)
    values[9:11, 30:33, 20:52] = 1
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(kidneys)
    labels, _ = read(image, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels > 0, values > 0)
    assert not (labels[:, :, :34] == 2).any()
    assert not (labels[:, :, 38:] == 1).any()


@pytest.mark.parametrize("side", [1, 2])
def test_a_single_kidney(kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, side: int) -> None:
    single = sitk.Cast(kidneys == side, sitk.sitkUInt8)
    labels, _ = read(single, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, side * sitk.GetArrayFromImage(single))


def test_one_kidney_in_a_view_of_its_flank_stays_in_one_piece(
    phantom: Phantom, phantom_kidneys: Callable[[sitk.Image], sitk.Image], tmp_path: Path
) -> None:
    flank = phantom()[34:]
    kidney = sitk.Cast(phantom_kidneys(phantom())[34:] > 0, sitk.sitkUInt8)
    labels, _ = read(kidney, flank, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, 2 * sitk.GetArrayFromImage(kidney))


def test_strokes_of_a_brush_away_from_the_kidneys_are_no_kidney(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path
) -> None:
    right = np.where(sitk.GetArrayFromImage(kidneys) == 1, 1, 0).astype(np.uint8)
    stroke = right.copy()
    stroke[10, 30, 50:53] = 2
    image = sitk.GetImageFromArray(stroke)
    image.CopyInformation(kidneys)
    labels, warnings = read(image, reference, tmp_path / "k.nii.gz")
    np.testing.assert_array_equal(labels, right)
    assert "under 1 ml" in " ".join(warnings)

    alone = sitk.GetImageFromArray(np.where(stroke == 2, np.uint8(2), np.uint8(0)))
    alone.CopyInformation(kidneys)
    assert "as large as a kidney" in refusal(alone, reference, tmp_path / "s.nii.gz", NoKidneyError)


class TestSlicerSegmentation:
    def named(self, image: sitk.Image, names: list[tuple[str, int, int]], tags: str = "") -> sitk.Image:
        for index, (name, value, layer) in enumerate(names):
            image.SetMetaData(f"Segment{index}_Name", name)
            image.SetMetaData(f"Segment{index}_LabelValue", str(value))
            image.SetMetaData(f"Segment{index}_Layer", str(layer))
            image.SetMetaData(f"Segment{index}_Tags", tags)
        return image

    @pytest.mark.parametrize(
        ("right", "left"),
        [
            ("right kidney", "left kidney"),
            ("Kidney_R", "Kidney_L"),
            ("Niere rechts", "Niere links"),
            ("rein droit", "rein gauche"),
        ],
    )
    def test_names_decide(
        self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, right: str, left: str
    ) -> None:
        image = with_block(relabelled(kidneys, {1: 9, 2: 4}), 1, right=True)
        names = [("liver", 1, 0), (left, 4, 0), (right, 9, 0), ("adrenal_gland_right", 12, 0)]
        labels, warnings = read(self.named(image, names), reference, tmp_path / "k.seg.nrrd")
        np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
        assert warnings == []

    def test_a_segment_without_side(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        image = self.named(relabelled(kidneys, {1: 1, 2: 1}), [("kidneys", 1, 0)])
        labels, warnings = read(image, reference, tmp_path / "k.seg.nrrd")
        np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))
        assert "by position" in warnings[0]

    def test_overlapping_segments_in_layers(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        layers = sitk.Compose([sitk.Cast(kidneys > 0, sitk.sitkUInt8), sitk.Cast(kidneys, sitk.sitkUInt8)])
        names = [("urinary tract", 1, 0), ("right kidney", 1, 1), ("left kidney", 2, 1)]
        labels, _ = read(self.named(layers, names), reference, tmp_path / "k.seg.nrrd")
        np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(kidneys))

    def test_without_a_kidney(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        image = self.named(kidneys, [("liver", 1, 0), ("spleen", 2, 0)])
        assert "No kidney" in refusal(image, reference, tmp_path / "k.seg.nrrd", NoKidneyError)


class TestRefused:
    def test_empty(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        assert "No kidney" in refusal(kidneys * 0, reference, tmp_path / "k.nii.gz", NoKidneyError)

    def test_a_ct(self, reference: sitk.Image, tmp_path: Path) -> None:
        assert "not a label map" in refusal(reference, reference, tmp_path / "k.nii.gz", ImageContentError)

    def test_probabilities(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        soft = sitk.SmoothingRecursiveGaussian(sitk.Cast(kidneys, sitk.sitkFloat32), 5.0)
        soft = sitk.Clamp(soft, sitk.sitkFloat32, 0.0, 1.0)
        assert "not a label map" in refusal(soft, reference, tmp_path / "k.nii.gz", ImageContentError)

    def test_unknown_labels(self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
        image = relabelled(kidneys, {1: 11, 2: 17})
        assert "unclear" in refusal(image, reference, tmp_path / "k.nii.gz", ImageContentError)

    @pytest.mark.parametrize("offset", [(0, 0, 300), (0, -150, 0), (1000, 0, 0)])
    def test_not_on_the_patient(
        self, kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path, offset: tuple[float, ...]
    ) -> None:
        kidneys.SetOrigin(np.add(kidneys.GetOrigin(), offset).tolist())
        assert "does not lie" in refusal(kidneys, reference, tmp_path / "k.nii.gz", GeometryError)

    def test_a_damaged_file(self, reference: sitk.Image, tmp_path: Path) -> None:
        (tmp_path / "k.nii.gz").write_bytes(b"not an image")
        with pytest.raises(UnreadableInputError, match="kidney label map"):
            read_kidneys(tmp_path / "k.nii.gz", reference)


def test_a_folder_of_masks_is_told_by_its_file_names(
    kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path
) -> None:
    for name, mask in (("kidney_right", kidneys == 1), ("kidney_left", kidneys == 2), ("spleen", kidneys >= 0)):
        sitk.WriteImage(mask, str(tmp_path / f"{name}.nii.gz"))
    sitk.WriteImage(kidneys == 2, str(tmp_path / "kidney_cyst_left.nii.gz"))
    labels, warnings = read_kidneys(tmp_path, reference)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(kidneys))
    assert warnings == []


def test_a_folder_without_a_kidney_is_refused(kidneys: sitk.Image, reference: sitk.Image, tmp_path: Path) -> None:
    sitk.WriteImage(kidneys == 1, str(tmp_path / "spleen.nii.gz"))
    with pytest.raises(NoKidneyError, match="No file of the folder is named as a kidney"):
        read_kidneys(tmp_path, reference)
