"""A real patient, known by a label map, painted on a canvas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation import body, bowel, mapped_bowel, mapped_organs, muscles, organs, vessels
from NephroSynthLib.simulation.anatomy import Anatomy, add_texture, finish_kidneys
from NephroSynthLib.simulation.ascites import paint_ascites
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.kidneys import KidneyAnatomy, draw_kidney, paint_kidney, paint_perirenal_fat
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.lesions import Pathology
from NephroSynthLib.simulation.mapped_body import paint_liver_vessels, paint_mapped_body, paint_plaques
from NephroSynthLib.simulation.mapped_kidney import trace_kidney
from NephroSynthLib.simulation.mapped_patient import MappedPatient
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue


def paint_mapped_anatomy(
    seed: np.random.SeedSequence,
    patient: MappedPatient,
    attenuation: Tensor,
    grid: Grid,
    pathologies: dict[int, Pathology],
) -> Anatomy:
    """Paints a real patient.

    Args:
        seed: Of everything that is drawn here.
        patient: The patient in the anatomy frame.
        attenuation: (tissue, phase) HU.
        grid: The canvas, in the anatomy frame.
        pathologies: The pathology of each side's kidney (0 right, 1 left).
    """
    body_rng, back_rng, mesentery_rng, bowel_rng, bone_rng, vessel_rng, kidney_rng, fat_rng, texture_rng, table_rng = (
        np.random.default_rng(s) for s in seed.spawn(10)
    )
    canvas, habitus, label_map = Canvas(grid, attenuation), patient.habitus, patient.label_map
    paint_mapped_body(canvas, patient, body_rng)
    bowel.paint_mesentery(canvas, habitus, mesentery_rng)
    for sign in (-1.0, 1.0):
        muscles.paint_lumborum(canvas, habitus, back_rng, sign)
    mapped_organs.paint_soft_organs(canvas, label_map)
    paint_liver_vessels(canvas, label_map, vessel_rng)
    mapped_bowel.paint_hollow_organs(canvas, label_map, bowel_rng)
    muscles.paint_fat_between(canvas, habitus, back_rng)
    kidneys = [_kidney(kidney_rng, patient, plan.side, pathologies[plan.side]) for plan in habitus.kidneys]
    for kidney in kidneys:
        paint_perirenal_fat(canvas, kidney, fat_rng, over=frozenset({Tissue.VISCERAL_FAT, Tissue.SMALL_VESSEL}))
    paint_ascites(canvas, habitus, np.random.default_rng(seed.spawn(1)[0]))
    mapped_organs.paint_bones(canvas, label_map, bone_rng)
    vessels.paint_renal_branches(
        canvas, habitus, vessel_rng, _axis(label_map, "aorta"), _axis(label_map, "inferior_vena_cava")
    )
    for kidney in kidneys:
        paint_kidney(canvas, kidney, kidney_rng)
    mapped_organs.paint_label_vessels(canvas, label_map)
    paint_plaques(canvas, label_map, vessel_rng)
    findings = finish_kidneys(canvas, kidneys, habitus, pathologies, kidney_rng)
    organs.paint_clips(canvas, habitus, table_rng)
    body.paint_surroundings(canvas, habitus, table_rng)
    add_texture(canvas, texture_rng)
    return Anatomy(canvas, findings)


def _kidney(rng: np.random.Generator, patient: MappedPatient, side: int, pathology: Pathology) -> KidneyAnatomy:
    plan = patient.habitus.kidney(side)
    assert plan is not None
    kidney = draw_kidney(rng, plan, pathology.dilation)
    return trace_kidney(kidney, patient.label_map) if side in patient.traced else kidney


def _axis(label_map: LabelMap, vessel: str) -> NDArray[np.float64]:
    """Returns the centre of a great vessel at the height of the kidneys; a typical place if the map lacks it."""
    points = label_map.points(vessel)
    if not len(points):
        return np.array([9.0 if vessel == "aorta" else -17.0, 0.0, 0.0])
    near = points[np.abs(points[:, 2] - points[np.abs(points[:, 2]).argmin(), 2]) < 4.0]
    return np.asarray(near.mean(axis=0))
