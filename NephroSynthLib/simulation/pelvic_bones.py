"""Iliac wings, acetabula, pubis, ischium, sacrum and the upper femora."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.pelvis_plan import PelvisPlan
from NephroSynthLib.simulation.shapes import curve, superellipsoid
from NephroSynthLib.simulation.tissues import Tissue

Tube = tuple[NDArray[np.float64], NDArray[np.float64]]


def paint_pelvic_bones(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the pelvic ring and the femora, where the field of view reaches them."""
    plan, shell = habitus.pelvis, float(rng.uniform(1.4, 2.4))
    _paint_bone(canvas, _sacrum(plan), shell)
    canvas.paint_tube(plan.sacrum()[:4] + np.array([0, 22.0, 0]), [8.0, 7.0, 5.0, 3.0], Tissue.SPINAL_CANAL)
    _paint_sacral_foramina(canvas, plan)
    for sign in (-1.0, 1.0):
        _paint_bone(canvas, _iliac_wing(plan, rng, sign), shell)
        _paint_bone(canvas, _pubis_and_ischium(plan, sign), shell)
        _paint_hip_joint(canvas, plan, sign, shell)
    hip_y, hip_z = plan.hip[1], plan.hip[2]
    symphysis = np.array([[0, hip_y - 48, hip_z - 12], [0, hip_y - 40, hip_z - 42]])
    canvas.paint_tube(symphysis, 5.0, Tissue.DISC)


def _paint_bone(canvas: Canvas, tubes: list[Tube], shell: float) -> None:
    """Paints a bone made of tubes: the cortex of all tubes, then the marrow inside them."""
    for points, radii in tubes:
        canvas.paint_tube(points, radii, Tissue.CORTICAL_BONE)
    for points, radii in tubes:
        if radii.max() > shell + 0.8:
            canvas.paint_tube(points, np.maximum(radii - shell, 0.5), Tissue.SPONGY_BONE)


def _sacrum(plan: PelvisPlan) -> list[Tube]:
    """Returns bars across the sacrum, wide and thick at its wings, narrow at the coccyx."""
    middle = curve(plan.sacrum(), 11.0)
    share = np.linspace(0, 1, len(middle))
    wide = np.interp(share, [0, 0.12, 0.3, 0.6, 0.8, 1], [26, 48, 52, 36, 16, 4]) * plan.size
    thick = np.interp(share, [0, 0.3, 0.6, 1], [13, 13, 9, 5]) * plan.size
    tubes = []
    for centre, w, t in zip(middle, wide, thick, strict=True):
        bar = centre + np.array([[-w, 0.22 * w, 0], [-0.4 * w, 0, 0], [0.4 * w, 0, 0], [w, 0.22 * w, 0]])
        tubes.append((bar, np.array([0.9, 1.0, 1.0, 0.9]) * t))
        crest = centre + np.array([[0, t + 4, 0], [0, t + 16 * plan.size, -5]])
        tubes.append((crest, np.array([5.0, 3.5])))
    return tubes


def _paint_sacral_foramina(canvas: Canvas, plan: PelvisPlan) -> None:
    course = curve(plan.sacrum(), 6.0)
    for share in (0.22, 0.38, 0.53, 0.66):
        centre = course[int(share * (len(course) - 1))]
        for sign in (-1.0, 1.0):
            aside = sign * (26 - 16 * share) * plan.size
            canvas.paint_tube(centre + np.array([[aside, -14, -3], [aside, 10, 2]]), 3.6, Tissue.VISCERAL_FAT)


def _iliac_wing(plan: PelvisPlan, rng: np.random.Generator, sign: float) -> list[Tube]:
    """Returns a fan of bars from the crest to the arcuate line and the acetabulum, concave on the inner side."""
    s, spine, (hip_x, hip_y, hip_z) = plan.size, plan.spine_y, plan.hip
    flare = float(rng.uniform(0.92, 1.05)) * s
    crest = curve(
        np.array(
            [
                [44 * s, spine + 58 * s, plan.promontory - 12],
                [66 * s, spine + 48 * s, plan.crest - 14],
                [110 * flare, spine + 14 * s, plan.crest],
                [134 * flare, spine - 26 * s, plan.crest - 6],
                [128 * flare, hip_y - 38 * s, plan.crest - 50 * s],
                [118 * s, hip_y - 36 * s, plan.crest - 84 * s],
            ]
        ),
        6.0,
    )
    base = curve(
        np.array(
            [
                [56 * s, spine + 40 * s, plan.promontory - 34 * s],
                [62 * s, spine + 18 * s, plan.promontory - 42 * s],
                [72 * s, hip_y + 22 * s, hip_z + 34 * s],
                [hip_x - 4, hip_y, hip_z + 26 * s],
                [hip_x + 4, hip_y - 14 * s, hip_z + 24 * s],
            ]
        ),
        6.0,
    )
    base = np.stack([np.interp(np.linspace(0, 1, len(crest)), np.linspace(0, 1, len(base)), c) for c in base.T], 1)
    bend, thin = float(rng.uniform(3, 9)), float(rng.uniform(2.4, 3.6))
    tubes = []
    for top, bottom in zip(crest, base, strict=True):
        points = np.array([top, 0.62 * top + 0.38 * bottom, 0.3 * top + 0.7 * bottom, bottom])
        points[1:3, 0] += bend
        points[:, 0] *= sign
        tubes.append((points, np.array([6.5, thin + 0.8, thin + 1.6, 8.0]) * s))
    return tubes


def _pubis_and_ischium(plan: PelvisPlan, sign: float) -> list[Tube]:
    """Returns the rami around the obturator foramen and the ischial tuberosity."""
    s, (hip_x, hip_y, hip_z) = plan.size, plan.hip
    mirror = np.array([sign, 1.0, 1.0])
    angle = 1.15 if plan.female else 0.95
    tuberosity = np.array([52 * angle * s, hip_y + 36 * s, hip_z - 68 * s])
    pubis = np.array([9.0, hip_y - 46 * s, hip_z - 18 * s])
    upper = curve(np.array([[hip_x - 18 * s, hip_y - 14 * s, hip_z + 4], [44 * s, hip_y - 38 * s, hip_z + 2], pubis]))
    lower = np.array([pubis, np.add(pubis, (3, 6, -20)), [30 * angle * s, hip_y - 8 * s, hip_z - 56 * s], tuberosity])
    back = np.array([[hip_x - 12 * s, hip_y + 22 * s, hip_z + 6], [hip_x - 16 * s, hip_y + 32 * s, hip_z - 28 * s]])
    return [
        (upper * mirror, np.linspace(11, 8, len(upper)) * s),
        (lower * mirror, np.array([9.0, 7.5, 6.0, 10.0]) * s),
        (np.vstack([back, tuberosity]) * mirror, np.array([13.0, 14.0, 13.0]) * s),
    ]


def _paint_hip_joint(canvas: Canvas, plan: PelvisPlan, sign: float, shell: float) -> None:
    """Paints acetabulum, cartilage and the upper femur with its trochanters and shaft."""
    s, radius = plan.size, plan.head_mm
    hip = np.array([sign * plan.hip[0], plan.hip[1], plan.hip[2]])
    box = canvas.around(hip, radius + 16)
    if box is not None:
        ball = superellipsoid(box.x, box.y, box.z, hip, (radius, radius, radius)).expand(box.shape)
        inwards = -sign * (box.x - float(hip[0])) + 0.75 * (box.z - float(hip[2]))
        cup = (ball - 9.0 * s).maximum(-3.0 * s - inwards)
        canvas.paint(box, cup, Tissue.CORTICAL_BONE)
        canvas.paint(box, cup + shell, Tissue.SPONGY_BONE)
        canvas.paint(box, ball - 4.5, Tissue.CORTICAL_BONE, where=(inwards > -3.0 * s).float())
        canvas.paint(box, ball - 2.8, Tissue.DISC)
        canvas.paint(box, ball, Tissue.CORTICAL_BONE)
        canvas.paint(box, ball + 1.2, Tissue.SPONGY_BONE)
    outwards = np.array([sign, 1.0, 1.0]) * s
    neck = hip + outwards * np.array([[8, 0, -4], [30, 2, -20], [48, 8, -34]])
    trochanter = hip + outwards * np.array([[54, 14, -8], [54, 10, -32], [46, 4, -62]])
    shaft = hip + outwards * np.array([[46, 4, -62], [40, 0, -110], [32, -6, -320]])
    lesser = hip + outwards * np.array([[40, 10, -60], [28, 20, -66]])
    _paint_bone(
        canvas,
        [
            (neck, np.array([16.0, 14.0, 17.0]) * s),
            (trochanter, np.array([10.0, 16.0, 15.0]) * s),
            (lesser, np.array([10.0, 6.0]) * s),
        ],
        1.0 + shell,
    )
    _paint_bone(canvas, [(shaft, np.array([15.0, 14.0, 13.0]) * s)], 5.0 * s)
