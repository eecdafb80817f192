from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from grid_indices import to_indices
from scipy import ndimage

from NephroSynthLib.simulation import Grid, SimulatedExam, Tissue, simulate
from NephroSynthLib.simulation.motion import jacobian_determinant
from NephroSynthLib.simulation.tissues import PUBLISHED_HU

PHASES = ("noncontrast", "nephrographic", "excretory")
KIDNEY = (Tissue.CORTEX, Tissue.MEDULLA, Tissue.CALYX, Tissue.CYST, Tissue.MASS, Tissue.NECROSIS, Tissue.STONE)


def warp(values: np.ndarray, exam: SimulatedExam, phase: str, order: int) -> np.ndarray:
    """The phase's values at x + displacement(x) for every reference voxel x."""
    z, y, x = exam.reference.axes()
    moved = exam.phases[phase].displacement + np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]))
    index = to_indices(exam.phases[phase].grid, np.moveaxis(moved, 0, -1))
    return ndimage.map_coordinates(values, np.moveaxis(index, -1, 0), order=order, mode="nearest")


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.sum(a & b) / (a.sum() + b.sum()))


def test_the_same_seed_gives_the_same_exam_and_another_does_not(exams: list[SimulatedExam], small_grid: Grid) -> None:
    again = simulate(exams[0].seed, reference=small_grid)
    for name in PHASES:
        for field in ("hu", "displacement", "labels", "kidneys"):
            assert np.array_equal(getattr(again.phases[name], field), getattr(exams[0].phases[name], field))
    assert np.array_equal(again.nephrographic_truth, exams[0].nephrographic_truth)
    assert dataclasses.asdict(again.kinetics) == dataclasses.asdict(exams[0].kinetics)
    assert again.findings == exams[0].findings
    assert not np.array_equal(exams[1].phases["noncontrast"].hu, exams[0].phases["noncontrast"].hu)


def test_arrays_have_the_stated_shapes_and_types(exams: list[SimulatedExam], small_grid: Grid) -> None:
    for exam in exams:
        assert tuple(exam.phases) == PHASES
        assert exam.reference == small_grid
        for phase in exam.phases.values():
            assert phase.hu.dtype == np.float32
            assert phase.hu.shape == phase.labels.shape == phase.kidneys.shape == phase.grid.shape
            assert phase.displacement.shape == (3, *small_grid.shape)
            assert np.isfinite(phase.hu).all()
        for truth in (exam.labels, exam.kidneys, exam.nephrographic_truth):
            assert truth.shape == small_grid.shape
        assert not exam.phases["noncontrast"].displacement.any()


def test_both_kidneys_are_labelled_on_their_sides(exams: list[SimulatedExam]) -> None:
    for exam in exams:
        right, left = (np.argwhere(exam.kidneys == value)[:, 2].mean() for value in (1, 2))
        assert right < left
        assert set(np.unique(exam.kidneys)) == {0, 1, 2}


def test_kidneys_hold_parenchyma_and_lesions_but_no_fat_or_pelvis(exams: list[SimulatedExam]) -> None:
    for exam in exams:
        inside = ndimage.binary_erosion(exam.kidneys > 0)
        assert np.isin(exam.labels[inside], [int(t) for t in KIDNEY]).mean() > 0.97
        cortex = ndimage.binary_erosion(exam.labels == Tissue.CORTEX)
        assert (exam.kidneys[cortex] > 0).mean() > 0.99


def test_registered_phases_have_the_kidneys_of_the_reference(exams: list[SimulatedExam]) -> None:
    for exam in exams:
        for name in ("nephrographic", "excretory"):
            warped = warp(exam.phases[name].kidneys.astype(float), exam, name, 0)
            for side in (1, 2):
                aligned = dice(warped == side, exam.kidneys == side)
                assert aligned > 0.93
                assert np.abs(exam.phases[name].displacement).max() > 0.5


def test_displacements_are_invertible(exams: list[SimulatedExam]) -> None:
    import torch

    for exam in exams:
        for name in ("nephrographic", "excretory"):
            field = torch.from_numpy(exam.phases[name].displacement)
            assert float(jacobian_determinant(field, exam.reference.spacing).min()) > 0.1


def test_the_truth_is_the_registered_nephrographic_phase_without_its_noise(exams: list[SimulatedExam]) -> None:
    for exam in exams:
        warped = warp(exam.phases["nephrographic"].hu, exam, "nephrographic", 1)
        inner = ndimage.binary_erosion(exam.kidneys > 0, iterations=2)
        smooth = ndimage.gaussian_filter(warped, 1.5) - ndimage.gaussian_filter(exam.nephrographic_truth, 1.5)
        assert abs(np.median(smooth[inner])) < 10
        assert np.mean(np.abs(smooth[inner])) < 15
        assert exam.nephrographic_truth[inner].std() < warped[inner].std() + 5


@pytest.mark.parametrize("tissue", [Tissue.LIVER, Tissue.SPLEEN, Tissue.MUSCLE, Tissue.CORTEX, Tissue.SUBCUTANEOUS_FAT])
def test_tissue_means_are_near_the_published_range(exams: list[SimulatedExam], tissue: Tissue) -> None:
    published = PUBLISHED_HU[tissue]
    for exam in exams:
        for name, (low, high) in zip(
            PHASES, (published.noncontrast, published.nephrographic, published.excretory), strict=True
        ):
            phase = exam.phases[name]
            inside = ndimage.binary_erosion(phase.labels == tissue, iterations=1)
            if inside.sum() > 50:
                assert low - 25 <= phase.hu[inside].mean() <= high + 25


def test_large_cysts_lie_where_the_findings_say(exams: list[SimulatedExam], small_grid: Grid) -> None:
    checked = 0
    for exam in exams:
        for finding in exam.findings:
            if finding.kind == "cyst" and finding.size_mm > 18:
                index = np.round(to_indices(small_grid, np.array(finding.centre))).astype(int)
                assert exam.labels[tuple(index)] in KIDNEY
                assert exam.kidneys[tuple(index)] == ("right", "left").index(finding.side) + 1
                checked += 1
    assert checked >= 3


def test_a_tall_grid_shows_the_pelvis_and_leaves_the_kidneys_in_the_upper_half() -> None:
    tall = Grid((46, 42, 55), (8.0, 8.0, 10.0), (-220.0, -160.0, -300.0))
    exam = simulate(900002, reference=tall)
    kidneys, bladder = (np.argwhere(mask)[:, 0] for mask in (exam.kidneys > 0, exam.labels == Tissue.BLADDER))
    assert kidneys.mean() > tall.shape[0] / 2
    assert bladder.max() < kidneys.min()


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        simulate(-1)


def test_simulation_imports_neither_simpleitk_nor_pydicom() -> None:
    code = """
import importlib, pkgutil, sys
import NephroSynthLib.simulation as room
for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(f"{room.__name__}.{module.name}")
sys.exit(", ".join({"SimpleITK", "pydicom", "ants", "monai"} & set(sys.modules)) or None)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_corticomedullary_phase_has_a_bright_cortex_and_a_dark_medulla(small_grid: Grid) -> None:
    exam = simulate(900001, reference=small_grid, corticomedullary=True)
    assert tuple(exam.phases) == (*PHASES, "corticomedullary")
    level = {
        name: {t: float(np.median(phase.hu[phase.labels == t])) for t in (Tissue.CORTEX, Tissue.MEDULLA, Tissue.AORTA)}
        for name, phase in exam.phases.items()
    }
    for name, least in (("corticomedullary", 25), ("nephrographic", -30), ("excretory", -50)):
        difference = level[name][Tissue.CORTEX] - level[name][Tissue.MEDULLA]
        assert (difference > 25) == (name == "corticomedullary")
        assert difference > least
    assert level["corticomedullary"][Tissue.AORTA] > 1.2 * level["nephrographic"][Tissue.AORTA]
