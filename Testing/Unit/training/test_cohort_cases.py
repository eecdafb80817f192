from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from small_cohorts import SETTINGS, cases, exam_images, gated, write

from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.training import segmentation_cases as segmentation
from NephroSynthLib.training import synthesis_cases as synthesis
from NephroSynthLib.training.cohort_preparation import Prepared, prepare_cohort
from NephroSynthLib.training.pool import CasePool


@pytest.fixture(scope="module")
def images() -> dict[str, sitk.Image]:
    return exam_images()


def test_images_with_masks_become_cases_that_the_segmenter_learns_from(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    phases = {"noncontrast": "noncontrast.nii.gz", "kidneys": "Kidneys.nrrd", "excretory": "excretory.nrrd"}
    write(cohort / "ours", images, {**phases, "excretory_kidneys": "excretory_kidneys.mha"})
    write(cohort / "kits", images, {"noncontrast": "imaging.nii.gz", "kidneys": "segmentation.nii.gz"})
    write(cohort / "without mask", images, {"noncontrast": "noncontrast.nii.gz"})
    write(cohort / "misfit", images, {"noncontrast": "noncontrast.nii.gz", "excretory_kidneys": "kidneys.nii.gz"})

    report = prepare_cohort("segmentation", cohort, out, held_out_share=0.0, settings=SETTINGS)

    assert (report.cases, report.held_out) == (2, [])
    assert report.skipped == {
        "misfit": "The mask 'kidneys' is not on the grid of the image 'noncontrast'.",
        "without mask": "The exam has no image with a mask: noncontrast.",
    }
    pool = CasePool(out / "cases", segmentation.make_case)
    found = {frozenset(pool.load(path)) for path in pool.ready()}
    ours = {"noncontrast_hu", "noncontrast_kidneys", "excretory_hu", "excretory_kidneys"}
    assert found == {frozenset(ours), frozenset({"nephrographic_hu", "nephrographic_kidneys"})}
    draw, rng = segmentation.draw_from(pool), np.random.default_rng(0)
    samples = [draw(rng) for _ in range(6)]
    assert max(float(sample["image"].max()) for sample in samples) > 0.9


def test_three_phases_become_a_case_on_one_grid_that_the_synthesizer_learns_from(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    names = {name: f"{name}.nrrd" for name in ("noncontrast", "excretory", "nephrographic", "kidneys")}
    write(cohort / "exam", images, names)
    write(cohort / "two phases", images, {name: names[name] for name in ("noncontrast", "excretory")})

    report = prepare_cohort("synthesis", cohort, out, held_out_share=0.0, settings=gated(0.0))

    assert report == Prepared(1, [], {"two phases": "The exam has no nephrographic phase."})
    pool = CasePool(out / "cases", synthesis.make_case)
    case = pool.load(pool.ready()[0])
    assert case["noncontrast"].shape == case["excretory"].shape == case["nephrographic"].shape == case["kidneys"].shape
    kidney = case["kidneys"] > 0
    assert np.median(case["nephrographic"][kidney]) > np.median(case["noncontrast"][kidney]) + 40
    draw = synthesis.draw_from(pool, size=(8, 16, 16), sample_of=DsSnict.sample_of)
    assert draw(np.random.default_rng(0))["condition"].shape == (4, 8, 16, 16)


def test_phases_that_do_not_align_are_left_out_with_the_reason(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    cohort = tmp_path / "cohort"
    names = {name: f"{name}.nrrd" for name in ("noncontrast", "excretory", "nephrographic", "kidneys")}
    write(cohort / "exam", images, names)
    report = prepare_cohort("synthesis", cohort, tmp_path / "out", settings=gated(1.0))
    assert (report.cases, report.held_out) == (0, [])
    assert "could not be aligned: SSIM around the kidneys is" in report.skipped["exam"]
    assert cases(tmp_path / "out") == []


def test_of_a_label_map_of_many_organs_only_the_kidneys_count(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    kidneys = sitk.GetArrayFromImage(images["kidneys"])
    organs = np.where(kidneys > 0, kidneys + 1, 0)  # as TotalSegmentator numbers them
    hu = sitk.GetArrayFromImage(images["noncontrast"])
    organs[(kidneys == 0) & (hu > 30) & (np.arange(hu.shape[2]) < hu.shape[2] // 3)] = 5
    total = sitk.GetImageFromArray(organs.astype(np.uint8))
    total.CopyInformation(images["kidneys"])
    names = {"noncontrast": "imaging.nrrd", "kidneys": "segmentation.nrrd"}
    write(tmp_path / "plain" / "exam", images, names)
    write(tmp_path / "total" / "exam", {**images, "kidneys": total}, names)
    found = []
    for cohort in ("plain", "total"):
        out = tmp_path / f"{cohort} out"
        prepare_cohort("segmentation", tmp_path / cohort, out, held_out_share=0, settings=SETTINGS)
        found.append(np.load(cases(out)[0])["nephrographic_kidneys"])
    np.testing.assert_array_equal(*found)


def test_the_cases_of_a_kits_data_set_become_exams_with_tumour_and_cyst_as_kidney(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    root, out = tmp_path / "kits21", tmp_path / "out"
    sides = sitk.GetArrayFromImage(images["kidneys"])
    upper = np.arange(len(sides))[:, None, None] > np.argwhere(sides)[:, 0].mean()
    masses = np.where(sides > 0, 1, 0) + np.where(upper & (sides > 0), sides, 0)  # 2 in the right one, 3 in the left
    labels = sitk.GetImageFromArray(masses.astype(np.int32))
    labels.CopyInformation(images["kidneys"])
    files = {**images, "labels": labels, "nothing": labels * 0}
    both = {
        "noncontrast": "imaging.nii.gz",
        "nothing": "aggregated_AND_seg.nii.gz",
        "labels": "aggregated_MAJ_seg.nii.gz",
    }
    write(root / "kits21" / "data" / "case_00000", files, both)
    write(root / "kits21" / "data" / "case_00000" / "segmentations", files, {"labels": "kidney_instance-1.nii.gz"})
    write(root / "kits21" / "data" / "case_00300", files, {"excretory": "imaging.nii.gz"})
    write(root / "kits21" / "data" / "case_00001", files, {"labels": "aggregated_MAJ_seg.nii.gz"})
    write(tmp_path / "plain" / "exam", images, {"noncontrast": "noncontrast.nii.gz", "kidneys": "kidneys.nii.gz"})

    report = prepare_cohort("segmentation", root, out, held_out_share=0.0, settings=SETTINGS)
    assert report == Prepared(
        1,
        [],
        {
            "case_00001": "The exam has no image: the images of KiTS are downloaded apart from the segmentations.",
            "case_00300": "The exam has no segmentation, as the test cases of KiTS.",
        },
    )
    prepare_cohort("segmentation", tmp_path / "plain", tmp_path / "out plain", held_out_share=0.0, settings=SETTINGS)
    case, plain = (np.load(cases(folder)[0]) for folder in (out, tmp_path / "out plain"))
    np.testing.assert_array_equal(case["corticomedullary_kidneys"], plain["noncontrast_kidneys"])
