from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import ndimage

from NephroSynthLib.simulation.anatomy import add_texture, paint_anatomy
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.lesions import Pathology
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

OUTSIDE = (Tissue.AIR, Tissue.TABLE)
INNER = (Tissue.LIVER, Tissue.SPLEEN, Tissue.CORTEX, Tissue.PANCREAS, Tissue.AORTA, Tissue.BLADDER, Tissue.BOWEL_FLUID)


def test_organs_lie_inside_the_body_and_never_touch_the_air(patients: list[Any]) -> None:
    for patient in patients:
        outside = ndimage.binary_dilation(patient.mask(*OUTSIDE))
        for tissue in INNER:
            assert patient.mask(tissue).any()
            assert not (patient.mask(tissue) & outside).any()


def test_every_tissue_of_a_healthy_patient_is_there(patients: list[Any]) -> None:
    somewhere = np.union1d(*(np.unique(patient.labels) for patient in patients))
    sometimes = {
        *(Tissue.CYST, Tissue.MASS, Tissue.NECROSIS, Tissue.STONE, Tissue.METAL, Tissue.ORAL_CONTRAST, Tissue.ASCITES),
        *(Tissue.CALCIFICATION, Tissue.LYMPH_NODE, Tissue.HEART, Tissue.GALLBLADDER, Tissue.ADRENAL, Tissue.CALYX),
    }
    assert {Tissue(int(value)) for value in somewhere} >= set(Tissue) - sometimes


def test_kidney_occupancy_belongs_to_parenchyma_on_its_own_side(patients: list[Any]) -> None:
    for patient in patients:
        right, left = patient.canvas.kidneys.numpy()
        x = np.broadcast_to(patient.points[0], right.shape)
        assert float((x * right).sum() / right.sum()) < 0 < float((x * left).sum() / left.sum())
        assert (right + left).max() <= 1.0 + 1e-5
        inside = (right + left) > 0.9
        assert patient.mask(Tissue.CORTEX, Tissue.MEDULLA, Tissue.CALYX)[inside].mean() > 0.97


def test_the_kidneys_have_the_volume_of_their_plan(patients: list[Any]) -> None:
    for patient in patients:
        for plan in patient.habitus.kidneys:
            volume = float(patient.canvas.kidneys[plan.side].sum()) * float(np.prod(patient.canvas.grid.spacing))
            bounding = 8 * float(np.prod(plan.half))
            assert 0.4 * bounding < volume < 0.7 * bounding


def test_findings_name_the_pathology_that_was_asked_for(patients: list[Any], ill_patient: Any) -> None:
    assert [finding.kind for patient in patients for finding in patient.findings] == []
    for side in ("right", "left"):
        kinds = {finding.kind for finding in ill_patient.findings if finding.side == side}
        assert kinds == {"hydronephrosis", "cyst", "mass", "stone"}


def test_the_same_seed_paints_the_same_patient(patients: list[Any]) -> None:
    grid = Grid((20, 40, 50), (8.0, 8.0, 10.0), (-196.0, -156.0, -100.0))
    healthy = dict.fromkeys((0, 1), Pathology(1.0, False, False, False))
    attenuation = patients[0].canvas.attenuation
    first, again, other = (
        paint_anatomy(np.random.SeedSequence(seed), patients[0].habitus, attenuation, grid, healthy).canvas
        for seed in (5, 5, 6)
    )
    assert torch.equal(first.hu, again.hu)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.labels, other.labels)


def test_texture_is_the_same_in_all_phases_and_keeps_the_mean() -> None:
    canvas = Canvas(Grid((30, 60, 60), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0)), torch.zeros((64, 3)))
    canvas.labels[:] = int(Tissue.LIVER)
    canvas.labels[:, :20] = int(Tissue.STOOL)
    canvas.labels[:, :5] = int(Tissue.AIR)
    add_texture(canvas, np.random.default_rng(1))
    assert torch.equal(canvas.hu[0], canvas.hu[2])
    assert float(canvas.hu[0, :, :5].abs().max()) == 0.0
    liver, stool = canvas.hu[0, :, 20:], canvas.hu[0, :, 5:20]
    assert abs(float(liver.mean())) < 3
    assert float(stool.std()) > 5 * float(liver.std()) > 0
