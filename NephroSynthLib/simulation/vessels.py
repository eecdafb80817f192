"""Aorta, vena cava and the renal vessels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve
from NephroSynthLib.simulation.tissues import Tissue


def paint_great_vessels(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints aorta with calcified plaques now and then, and vena cava, and their renal branches."""
    front = habitus.spine_y - habitus.vertebra[1]
    levels = np.linspace(260, habitus.pelvis.crest + float(rng.uniform(-15, 15)), 27)
    aorta_radius = float(np.clip(rng.normal(10, 1.5), 7, 15)) * (1 + 0.0008 * levels)
    bend = rng.normal(0, 4, 3)
    x = 9 + np.interp(levels, [-260, 0, 260], bend)
    aorta = np.stack([x, front - aorta_radius - 2 - np.clip(levels - 90, 0, None) * 0.06, levels], axis=1)
    cava_radius = float(rng.uniform(8, 12.5))
    cava = np.stack(
        [
            -17 + np.interp(levels, [-260, 0, 260], rng.normal(0, 3, 3)),
            front - cava_radius * 0.8 - np.clip(levels - 10, 0, None) * 0.22,
            levels,
        ],
        axis=1,
    )
    paint_renal_branches(canvas, habitus, rng, *(vessel[np.abs(levels).argmin()] for vessel in (aorta, cava)))
    flat = cava_radius * 0.45 * float(rng.uniform(0.3, 1))
    for offset in (-flat, flat):
        canvas.paint_tube(cava + np.array([offset, 0, 0]), cava_radius * 0.8, Tissue.VENA_CAVA)
    _paint_iliac_vessels(canvas, habitus, cava[-1] + np.array([0, 0, -12]), Tissue.VENA_CAVA, 6.5, 8.0)
    _paint_iliac_vessels(canvas, habitus, aorta[-1], Tissue.AORTA, float(rng.uniform(4, 6)), -4.0)
    canvas.paint_tube(aorta, aorta_radius + 0.8, Tissue.MUSCLE)
    canvas.paint_tube(aorta, aorta_radius, Tissue.AORTA)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(2, 22))):
            i, angle = int(rng.integers(len(levels) - 1)), float(rng.uniform(0, 2 * np.pi))
            around = np.array([np.cos(angle), np.sin(angle), 0.0]) * aorta_radius[i]
            centre = aorta[i] + around + np.array([0, 0, float(rng.uniform(0, 14))])
            canvas.paint_tube(
                np.array([centre, centre + rng.normal(0, 2.5, 3)]),
                float(rng.uniform(0.5, 1.8)),
                Tissue.CALCIFICATION,
                where={Tissue.AORTA, Tissue.MUSCLE, Tissue.VISCERAL_FAT},
            )


def paint_renal_branches(
    canvas: Canvas, habitus: Habitus, rng: np.random.Generator, aorta: NDArray[np.float64], cava: NDArray[np.float64]
) -> None:
    """Paints the arteries and veins between the kidneys and the points of aorta and vena cava at their height."""
    for kidney in habitus.kidneys:
        hilum = kidney.centre - kidney.rotation[:, 1] * kidney.half[1] * 0.75
        for origin, tissue, radius, ahead, count in (
            (cava, Tissue.RENAL_VEIN, 4.8, -8, 1),
            (aorta, Tissue.RENAL_ARTERY, 2.7, 4, 1 + int(rng.random() < 0.25)),
        ):
            for _ in range(count):
                start = np.array([origin[0], origin[1], 0.6 * kidney.centre[2] + 12 + rng.normal(0, 6)])
                middle = (start + hilum) / 2 + np.array([0, ahead + rng.normal(0, 3), rng.normal(2, 4)])
                if tissue == Tissue.RENAL_VEIN and kidney.side == 1:
                    middle[1] -= 8
                course = curve(np.array([start, middle, hilum + rng.normal(0, 2, 3)]), 5.0)
                canvas.paint_tube(course, radius * float(rng.uniform(0.8, 1.2)), tissue)


def _paint_iliac_vessels(
    canvas: Canvas, habitus: Habitus, start: NDArray[np.float64], tissue: Tissue, radius: float, behind: float
) -> None:
    """Paints the iliac vessels from the bifurcation beside psoas to the groin, and a branch into the pelvis."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    hip_x, hip_y, hip_z = plan.hip
    medial = -0.8 * behind if tissue == Tissue.VENA_CAVA else 0.0
    for sign in (-1.0, 1.0):
        mirror = np.array([sign, 1.0, 1.0])
        brim = np.array([46 * s, plan.spine_y - 22 * s + behind, plan.promontory - 22 * s])
        lower = np.array(
            [
                brim,
                [62 * s + medial, hip_y - 16 * s + behind, hip_z + 52 * s],
                [hip_x - 16 * s + medial, hip_y - 52 * s + 0.5 * behind, hip_z + 14 * s],
                [hip_x - 8 * s + medial, hip_y - 58 * s + 0.5 * behind, hip_z - 30 * s],
                [hip_x - 6 * s + medial, hip_y - 40 * s, hip_z - 120 * s],
                [hip_x - 16 * s, hip_y - 20 * s, hip_z - 260 * s],
            ]
        )
        course = curve(np.vstack([start, lower * mirror]), 9.0)
        canvas.paint_tube(course, np.linspace(1.15 * radius, 0.85 * radius, len(course)), tissue)
        inner = np.array(
            [brim, [54 * s, hip_y + 24 * s + 0.3 * behind, hip_z + 40 * s], [50 * s, hip_y + 28 * s, hip_z]]
        )
        canvas.paint_tube(curve(inner * mirror, 9.0), 0.55 * radius, tissue)
