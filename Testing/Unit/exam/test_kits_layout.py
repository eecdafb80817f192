"""KiTS19, KiTS21 and KiTS23 as their authors publish them: folders, axes of the NIfTI files, labels."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.exam.kidney_labels import as_kidneys, read_kidneys
from NephroSynthLib.exam.kits_layout import IMAGE, KITS_LABELS, exam_folders, is_kits_case, kits_files, with_masses
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.grids import canonical
from NephroSynthLib.imaging.image_files import read_image_file

Phantom = Callable[..., sitk.Image]

DATASETS = {
    "kits19": ("data", ["segmentation.nii.gz"]),
    "kits21": ("kits21/data", [f"aggregated_{kind}_seg.nii.gz" for kind in ("AND", "MAJ", "OR")]),
    "kits23": ("dataset", ["segmentation.nii.gz"]),
}


def as_kits(image: sitk.Image) -> bytes:
    """Returns an image as KiTS stores it: its first axis runs down, the second to the back, the third to the left.

    The NIfTI header is written by hand: sform alone, the origin at 0, int32 labels and float HU.
    """
    values = np.flip(sitk.GetArrayFromImage(image), 0)  # the slices from head to foot
    kind, bits = (16, 32) if image.GetPixelID() == sitk.sitkFloat32 else (8, 32)
    stored = values.astype("<f4" if kind == 16 else "<i4")
    x, y, z = image.GetSpacing()
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *stored.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, 1, z, y, x, 1, 1, 1, 1)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    struct.pack_into("<2h", header, 252, 0, 2)
    struct.pack_into("<12f", header, 280, 0, 0, -x, 0, 0, -y, 0, 0, -z, 0, 0, 0)
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + bytes(4) + stored.tobytes(order="F"), 1)


@pytest.fixture(scope="module")
def image(phantom: Phantom) -> sitk.Image:
    return sitk.Cast(phantom(), sitk.sitkFloat32)


@pytest.fixture
def kidneys(image: sitk.Image, phantom_kidneys: Callable[[sitk.Image], sitk.Image]) -> sitk.Image:
    return phantom_kidneys(image)


def kits_labels(kidneys: sitk.Image) -> sitk.Image:
    """Labels of KiTS23: a tumour in the right kidney, a cyst in the left one."""
    sides = sitk.GetArrayFromImage(kidneys)
    upper = (np.arange(len(sides)) > 12)[:, None, None]
    values = (sides > 0).astype(np.int32)
    values[upper & (sides == 1)], values[upper & (sides == 2)] = 2, 3
    labels = sitk.GetImageFromArray(values)
    labels.CopyInformation(kidneys)
    return labels


def test_the_first_axis_of_the_files_is_head_to_foot(image: sitk.Image, kidneys: sitk.Image, tmp_path: Path) -> None:
    (tmp_path / "imaging.nii.gz").write_bytes(as_kits(image))
    (tmp_path / "segmentation.nii.gz").write_bytes(as_kits(kits_labels(kidneys)))
    read = read_volume(tmp_path / "imaging.nii.gz").image
    assert read.GetSize() == image.GetSize()[::-1]
    itk = sitk.ReadImage(str(tmp_path / "imaging.nii.gz"))
    np.testing.assert_allclose(read.GetDirection(), itk.GetDirection(), atol=1e-6)
    upright = canonical(read)
    np.testing.assert_allclose(upright.GetDirection(), np.eye(3).ravel(), atol=1e-6)
    assert upright.GetSpacing() == pytest.approx(image.GetSpacing())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(upright), sitk.GetArrayFromImage(image))

    given = read_image_file(tmp_path / "segmentation.nii.gz", "labels", layers=True)
    sides, _ = as_kidneys(with_masses(given), read)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(canonical(sides)), sitk.GetArrayFromImage(kidneys))


def test_a_tumour_right_and_a_cyst_left_are_not_the_kidneys_of_totalsegmentator(
    image: sitk.Image, kidneys: sitk.Image
) -> None:
    labels = kits_labels(kidneys)
    sides, warnings = as_kidneys(with_masses(labels), image)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sides), sitk.GetArrayFromImage(kidneys))
    assert "by position" in warnings[0]
    assert "TotalSegmentator" in as_kidneys(labels, image)[1][0]


@pytest.mark.parametrize("file", ["segmentation.nii.gz", "aggregated_OR_seg.nii.gz"])
def test_a_label_map_in_the_folder_of_its_case_is_read_with_its_masses(
    image: sitk.Image, kidneys: sitk.Image, tmp_path: Path, file: str
) -> None:
    for folder in ("case_00123", "mine"):
        (tmp_path / folder).mkdir()
        sitk.WriteImage(kits_labels(kidneys), str(tmp_path / folder / file))
    sides = read_kidneys(tmp_path / "case_00123" / file, image)[0]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sides), sitk.GetArrayFromImage(kidneys))
    assert "TotalSegmentator" in read_kidneys(tmp_path / "mine" / file, image)[1][0]


@pytest.mark.parametrize("side", [1, 2])
def test_one_kidney_whose_tumour_reaches_the_other_side_of_the_spine_stays_one(
    image: sitk.Image, kidneys: sitk.Image, side: int
) -> None:
    values = np.where(sitk.GetArrayFromImage(kidneys) == side, 1, 0)
    values[9:14, 30:36, 34:39] = 2
    labels = sitk.GetImageFromArray(values.astype(np.int32))
    labels.CopyInformation(kidneys)
    sides = sitk.GetArrayFromImage(as_kidneys(with_masses(labels), image)[0])
    assert (sides[sitk.GetArrayFromImage(kidneys) == side] == side).all()


def test_both_halves_of_a_horseshoe_kidney_get_their_side(image: sitk.Image, kidneys: sitk.Image) -> None:
    values = np.minimum(sitk.GetArrayFromImage(kidneys), 1)
    values[9:11, 30:33, 20:52] = 2
    labels = sitk.GetImageFromArray(values.astype(np.int32))
    labels.CopyInformation(kidneys)
    sides = sitk.GetArrayFromImage(as_kidneys(with_masses(labels), image)[0])
    np.testing.assert_array_equal(sides > 0, values > 0)
    assert not (sides[:, :, :34] == 2).any()
    assert not (sides[:, :, 38:] == 1).any()


def test_other_labels_stay_as_they_are(kidneys: sitk.Image) -> None:
    organs = kidneys + sitk.Cast(kidneys > 0, kidneys.GetPixelID()) * 4
    assert with_masses(organs) is organs


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_root_of_each_data_set_leads_to_its_cases(dataset: str, tmp_path: Path) -> None:
    home, files = DATASETS[dataset]
    for number in (1, 0):
        case = tmp_path / home / f"case_{number:05d}"
        (case / "segmentations").mkdir(parents=True)
        for file in ("imaging.nii.gz", *files):
            (case / file).touch()
    (tmp_path / "starter_code").mkdir()
    (tmp_path / home / "kits.json").touch()
    cases = [tmp_path / home / f"case_{number:05d}" for number in (0, 1)]
    for root in (tmp_path, tmp_path / home):
        assert [folder.resolve() for folder in exam_folders(root)] == cases
    assert all(is_kits_case(case) for case in cases)
    chosen = "aggregated_MAJ_seg.nii.gz" if dataset == "kits21" else "segmentation.nii.gz"
    assert kits_files(cases[0]) == {IMAGE: cases[0] / "imaging.nii.gz", KITS_LABELS: cases[0] / chosen}


def test_another_cohort_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("data", "b", "case_00000"):
        (tmp_path / name).mkdir()
    (tmp_path / "case_00000" / "noncontrast.nii.gz").touch()
    assert exam_folders(tmp_path) == [tmp_path / name for name in ("b", "case_00000", "data")]
    assert not is_kits_case(tmp_path / "case_00000")
    assert exam_folders(tmp_path / "nothing") == []
