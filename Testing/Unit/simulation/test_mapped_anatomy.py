from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from grid_indices import to_indices

from NephroSynthLib.simulation import Grid, Tissue, simulate
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_patient import MappedPatient

KIDNEY = (Tissue.CORTEX, Tissue.MEDULLA, Tissue.CALYX, Tissue.CYST, Tissue.MASS, Tissue.NECROSIS, Tissue.STONE)
ANATOMIES = Path(__file__).parents[4] / "shared/data/anatomy"


def at(canvas: Canvas, points: np.ndarray) -> np.ndarray:
    """The painted labels at points (n, 3) that lie on the canvas."""
    index = np.round(to_indices(canvas.grid, points)).astype(int)
    shown = ((index >= 0) & (index < np.array(canvas.grid.shape))).all(axis=1)
    return canvas.labels.numpy()[tuple(index[shown].T)]


def test_the_organs_lie_where_the_map_shows_them(mapped_canvas: Canvas, mapped_patient: MappedPatient) -> None:
    for name, tissues in (
        ("liver", (Tissue.LIVER, Tissue.LIVER_VESSEL)),
        ("spleen", (Tissue.SPLEEN,)),
        ("aorta", (Tissue.AORTA, Tissue.CALCIFICATION)),
        ("vertebrae_L2", (Tissue.CORTICAL_BONE, Tissue.SPONGY_BONE)),
        ("kidney_left", (*KIDNEY, Tissue.SINUS_FAT, Tissue.PELVIS, Tissue.RENAL_ARTERY, Tissue.RENAL_VEIN)),
    ):
        assert np.isin(at(mapped_canvas, mapped_patient.label_map.points(name)), tissues).mean() > 0.85, name


def test_kidney_occupancy_is_parenchyma_of_each_side(mapped_canvas: Canvas, mapped_patient: MappedPatient) -> None:
    labels = mapped_canvas.labels.numpy()
    for side, name in enumerate(("kidney_right", "kidney_left")):
        inside = mapped_canvas.kidneys[side].numpy() > 0.9
        assert np.isin(labels[inside], KIDNEY).mean() > 0.97
        points = mapped_canvas.grid.to_points(np.argwhere(inside))
        expected = mapped_patient.label_map.points(name)
        assert np.linalg.norm(points.mean(axis=0) - expected.mean(axis=0)) < 8


def test_a_mapped_exam_has_the_same_parts_as_a_drawn_one(toy_label_map: LabelMap) -> None:
    small_grid = Grid((26, 42, 59), (4.8, 4.8, 7.0), (-140.0, -90.0, -600.0))
    exam = simulate(1, reference=small_grid, anatomy=toy_label_map)
    again = simulate(1, reference=small_grid, anatomy=toy_label_map)
    assert exam.reference == small_grid
    assert set(np.unique(exam.kidneys)) == {0, 1, 2}
    right, left = (np.argwhere(exam.kidneys == value)[:, 2].mean() for value in (1, 2))
    assert right < left
    for name, phase in exam.phases.items():
        assert np.array_equal(phase.hu, again.phases[name].hu)
        assert np.isfinite(phase.hu).all()
    cortex = exam.labels == Tissue.CORTEX
    truth = exam.nephrographic_truth[cortex].mean()
    assert truth > exam.phases["noncontrast"].hu[cortex].mean() + 40


@pytest.mark.skipif(not ANATOMIES.is_dir(), reason="the real anatomies in ../shared/data are not there")
def test_a_real_anatomy_gives_an_exam_with_both_kidneys() -> None:
    from NephroSynthLib.exam.anatomy_folder import AnatomyFolder, read_label_map

    folder = AnatomyFolder(ANATOMIES)
    grid = Grid((60, 90, 110), (3.5, 3.5, 5.0), (-192.0, -157.0, -147.0))
    exam = simulate(3, reference=grid, anatomy=read_label_map(folder.files[0], ANATOMIES / "classes.json"))
    volumes = [(exam.kidneys == side).sum() * np.prod(grid.spacing) / 1000 for side in (1, 2)]
    assert min(volumes) > 70
    assert torch.isfinite(torch.from_numpy(exam.nephrographic_truth)).all()
    present = {Tissue(int(v)) for v in np.unique(exam.labels)}
    assert present >= {Tissue.LIVER, Tissue.SPLEEN, Tissue.AORTA, Tissue.MUSCLE, Tissue.SUBCUTANEOUS_FAT, Tissue.SKIN}
