"""One patient, painted on a canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.simulation import (
    body,
    bowel,
    lesions,
    muscles,
    organs,
    pelvic_bones,
    pelvic_organs,
    skeleton,
    vessels,
)
from NephroSynthLib.simulation.ascites import paint_ascites
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.collecting_system import HYDRONEPHROTIC, paint_collecting_system
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.kidneys import (
    KidneyAnatomy,
    draw_kidney,
    paint_isthmus,
    paint_kidney,
    paint_perirenal_fat,
)
from NephroSynthLib.simulation.lesions import Finding, Pathology
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

# Standard deviation in HU of the slow and the fine heterogeneity of a tissue.
_TEXTURE: dict[Tissue, tuple[float, float]] = {
    Tissue.SUBCUTANEOUS_FAT: (4, 5),
    Tissue.VISCERAL_FAT: (6, 8),
    Tissue.PERIRENAL_FAT: (5, 6),
    Tissue.MUSCLE: (5, 7),
    Tissue.SPONGY_BONE: (20, 30),
    Tissue.CORTICAL_BONE: (60, 60),
    Tissue.LIVER: (3, 3),
    Tissue.SPLEEN: (3, 3),
    Tissue.PANCREAS: (5, 12),
    Tissue.STOOL: (35, 55),
    Tissue.BOWEL_WALL: (6, 8),
    Tissue.BOWEL_FLUID: (6, 6),
    Tissue.CORTEX: (3, 5),
    Tissue.MEDULLA: (3, 5),
    Tissue.SINUS_FAT: (10, 14),
    Tissue.MASS: (7, 10),
    Tissue.NECROSIS: (6, 5),
    Tissue.LUNG: (25, 45),
    Tissue.STOMACH: (6, 8),
    Tissue.DISC: (6, 6),
    Tissue.ORAL_CONTRAST: (20, 20),
    Tissue.AORTA: (2, 2),
    Tissue.VENA_CAVA: (6, 4),
    Tissue.UTERUS: (6, 8),
    Tissue.PROSTATE: (6, 8),
    Tissue.BLADDER: (2, 2),
    Tissue.ASCITES: (2, 3),
}


@dataclass(frozen=True)
class Anatomy:
    """A painted patient and the findings in the kidneys (centres in the anatomy frame)."""

    canvas: Canvas
    findings: list[Finding]


def paint_anatomy(
    seed: np.random.SeedSequence, habitus: Habitus, attenuation: Tensor, grid: Grid, pathologies: dict[int, Pathology]
) -> Anatomy:
    """Paints a patient.

    Args:
        seed: Of everything that is drawn here.
        habitus: The patient.
        attenuation: (tissue, phase) HU.
        grid: The canvas, in the anatomy frame.
        pathologies: The findings in the kidney of each side (0 right, 1 left).
    """
    steps = (
        body.paint_body,
        organs.paint_liver,
        organs.paint_spleen,
        organs.paint_stomach,
        body.paint_lungs,
        organs.paint_pancreas,
        bowel.paint_mesentery,
        bowel.paint_duodenum,
        bowel.paint_small_bowel,
        bowel.paint_colon,
    )
    pelvic_steps = (
        pelvic_organs.paint_pelvic_floor_fat,
        pelvic_organs.paint_genital_organs,
        pelvic_organs.paint_bladder,
        pelvic_organs.paint_rectum,
    )
    streams = [np.random.default_rng(s) for s in seed.spawn(len(steps) + 8 + 1 + len(pelvic_steps))]
    canvas = Canvas(grid, attenuation)
    for step, rng in zip(steps, streams[: len(steps)], strict=True):
        step(canvas, habitus, rng)
    for step, rng in zip(pelvic_steps, streams[-len(pelvic_steps) :], strict=True):
        step(canvas, habitus, rng)
    fat_rng, back_rng, spine_rng, rib_rng, vessel_rng, kidney_rng, texture_rng, table_rng = streams[
        len(steps) : len(steps) + 8
    ]
    kidneys = [draw_kidney(kidney_rng, plan, pathologies[plan.side].dilation) for plan in habitus.kidneys]
    for kidney in kidneys:
        paint_perirenal_fat(canvas, kidney, fat_rng)
    paint_ascites(canvas, habitus, np.random.default_rng(seed.spawn(1)[0]))
    bowel.paint_bowel_beside_kidneys(canvas, habitus, streams[len(steps) + 8])
    organs.paint_adrenals(canvas, habitus, fat_rng)
    muscles.paint_posterior_muscles(canvas, habitus, back_rng)
    skeleton.paint_spine(canvas, habitus, spine_rng)
    skeleton.paint_ribs(canvas, habitus, rib_rng)
    pelvic_bones.paint_pelvic_bones(canvas, habitus, rib_rng)
    for kidney in kidneys:
        paint_kidney(canvas, kidney, kidney_rng)
    if habitus.horseshoe:
        paint_isthmus(canvas, kidneys, habitus, kidney_rng)
    vessels.paint_great_vessels(canvas, habitus, vessel_rng)
    findings = finish_kidneys(canvas, kidneys, habitus, pathologies, kidney_rng)
    organs.paint_clips(canvas, habitus, table_rng)
    body.paint_surroundings(canvas, habitus, table_rng)
    add_texture(canvas, texture_rng)
    return Anatomy(canvas, findings)


def finish_kidneys(
    canvas: Canvas,
    kidneys: Sequence[KidneyAnatomy],
    habitus: Habitus,
    pathologies: dict[int, Pathology],
    rng: np.random.Generator,
) -> list[Finding]:
    """Paints the collecting systems and the lesions of painted kidneys, and returns all findings."""
    findings = _whole_kidney_findings(habitus)
    for kidney in kidneys:
        findings += _finish_kidney(canvas, kidney, habitus, pathologies[kidney.plan.side], rng)
    return findings


def _finish_kidney(
    canvas: Canvas, kidney: KidneyAnatomy, habitus: Habitus, pathology: Pathology, rng: np.random.Generator
) -> list[Finding]:
    calyces = paint_collecting_system(canvas, kidney, rng, habitus)
    findings = []
    if kidney.dilation >= HYDRONEPHROTIC:
        findings.append(Finding("hydronephrosis", lesions.SIDES[kidney.plan.side]))
    if pathology.cysts:
        findings += lesions.paint_cysts(canvas, kidney, rng)
    if pathology.mass:
        findings += lesions.paint_mass(canvas, kidney, rng)
    if pathology.stones:
        findings += lesions.paint_stones(canvas, kidney, calyces, rng)
    return findings


def _whole_kidney_findings(habitus: Habitus) -> list[Finding]:
    findings = [Finding("atrophic kidney", lesions.SIDES[k.side]) for k in habitus.kidneys if k.state == "atrophic"]
    findings += [Finding("single kidney", lesions.SIDES[side]) for side in (0, 1) if habitus.kidney(side) is None]
    if habitus.horseshoe:
        findings.append(Finding("horseshoe kidney", "both"))
    return findings


def add_texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Adds each tissue's own heterogeneity, and now and then patches of hazy fat, the same in all phases."""
    amplitude = torch.zeros((256, 2))
    for tissue, values in _TEXTURE.items():
        amplitude[tissue] = torch.tensor(values, dtype=torch.float32) * float(rng.uniform(0.5, 1.6))
    axes = (canvas.z, canvas.y, canvas.x)
    slow, fine = smooth_noise(rng, axes, 18.0), smooth_noise(rng, axes, 3.2)
    index = canvas.labels.int()
    texture = slow * amplitude[:, 0][index] + fine * amplitude[:, 1][index]
    if rng.random() < 0.5:
        hazy = torch.zeros(256)
        hazy[[int(Tissue.VISCERAL_FAT), int(Tissue.PERIRENAL_FAT)]] = float(rng.uniform(5, 45))
        texture += (slow - 0.8).clamp(min=0.0) * hazy[index]
    canvas.hu += texture[None]
