"""The muscles of the back, psoas and iliacus, and the fat between and in all muscles."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve, ellipse_cylinder
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue


def paint_posterior_muscles(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints erector spinae, quadratus lumborum, psoas and the diaphragm's crura of both sides."""
    thickness = float(rng.uniform(2.5, 7.0))
    for sign in (-1.0, 1.0):
        _paint_erector(canvas, habitus, rng, sign)
        paint_lumborum(canvas, habitus, rng, sign)
        _paint_psoas(canvas, habitus, rng, sign)
        front = habitus.spine_y - habitus.vertebra[1]
        crus = np.array([[sign * 22, habitus.spine_y - 12, 130], [sign * 20, front - 6, 60], [sign * 14, front - 4, 0]])
        course = curve(crus, 12.0)
        canvas.paint_tube(course, np.linspace(thickness, 0.6 * thickness, len(course)), Tissue.MUSCLE)
    paint_fat_between(canvas, habitus, rng)


def _paint_erector(canvas: Canvas, habitus: Habitus, rng: np.random.Generator, sign: float) -> None:
    """Paints the erector spinae beside the spinous processes, thick in the lumbar region, thin on the sacrum."""
    offset_x, offset_y = rng.normal([36.0, 40.0], 1.5)
    half = np.array([29.0, 18.0]) * habitus.muscularity**0.5
    centre = (sign * float(offset_x), habitus.spine_y + float(offset_y))
    end = habitus.pelvis.promontory - 70.0

    def erector(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        scale = (1.0 - 0.0012 * z.clamp(-100, 200)) * ((z - end) / 90.0).clamp(0.15, 1.0) ** 0.5
        inward = sign * 14.0 * (1.0 - scale.clamp(max=1.0))
        back = 24.0 * ((habitus.pelvis.promontory + 20.0 - z) / 60.0).clamp(0.0, 1.0)
        middle = (centre[0] - inward, centre[1] + back)
        return ellipse_cylinder(x, y, middle, (float(half[0]) * scale, float(half[1]) * scale), 2.6)

    lower, upper = (centre[0] - 45, centre[1] - 30, end), (centre[0] + 45, centre[1] + 60, 400)
    canvas.paint_shape(lower, upper, erector, Tissue.MUSCLE, coarse=True)


def paint_lumborum(canvas: Canvas, habitus: Habitus, rng: np.random.Generator, sign: float) -> None:
    """Paints quadratus lumborum, which lies behind the kidney, from the twelfth rib to the crest."""
    top, spine = float(rng.uniform(20, 45)), habitus.spine_y
    for offset, radius in ((52.0, 8.0), (62.0, 9.0), (72.0, 7.0)):
        lumborum = np.array(
            [[sign * (offset - 10), spine + 27, top], [sign * (offset + 8), spine + 25, habitus.pelvis.crest - 10]]
        )
        radii = np.array([0.8, 1.4]) * radius * habitus.muscularity
        canvas.paint_tube(lumborum, radii, Tissue.MUSCLE)


def _paint_psoas(canvas: Canvas, habitus: Habitus, rng: np.random.Generator, sign: float) -> None:
    """Paints psoas, which widens downwards and outwards, joins iliacus and ends at the lesser trochanter."""
    spine, m, plan = habitus.spine_y, habitus.muscularity, habitus.pelvis
    s, (hip_x, hip_y, hip_z) = plan.size, plan.hip
    top = float(rng.uniform(25, 60))
    levels = np.linspace(top, plan.crest - 20, 12)
    fall = (top - levels) / (top - levels[-1])
    upper = np.stack([24 + 24 * fall, spine + 6 - 10 * fall**2, levels], axis=1)
    lower = np.array(
        [
            [62 * s, spine - 14 * s, plan.promontory - 20],
            [76 * s, hip_y - 14 * s, hip_z + 50 * s],
            [hip_x - 4, hip_y - 38 * s, hip_z + 8],
            [hip_x + 8, hip_y - 24 * s, hip_z - 36 * s],
            [hip_x + 24, hip_y + 10, hip_z - 66 * s],
        ]
    )
    course = curve(np.vstack([upper, lower]), 10.0)
    reach = np.linspace(0, 1, len(course))
    radius = m * float(rng.uniform(0.85, 1.1)) * np.interp(reach, [0, 0.35, 0.55, 0.8, 1], [6, 22, 24, 18, 9])
    canvas.paint_tube(course * [sign, 1, 1], radius, Tissue.MUSCLE)
    for share in (0.15, 0.45, 0.75):
        start = np.array([(70 + 50 * share) * s, spine + (16 - 50 * share) * s, plan.crest - 28 * s])
        iliacus = np.array([start, np.add(start, (hip_x, hip_y - 26 * s, hip_z + 40 * s)) / 2, course[-4]])
        canvas.paint_tube(iliacus * [sign, 1, 1], np.array([9.0, 15.0, 10.0]) * m * s, Tissue.MUSCLE)


def paint_fat_between(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints sheets of fat between the muscles of the back and the hips, where a smooth field crosses zero.

    Its bundles run along the body; patients differ from hardly any fat to streaky muscles.
    """
    plan = habitus.pelvis
    for lower, upper, share in (
        ((-400.0, habitus.spine_y + 14.0, plan.promontory), (400.0, 400.0, 400.0), float(rng.uniform(0, 1))),
        ((-400.0, -400.0, -900.0), (400.0, 400.0, plan.crest - 10.0), float(rng.uniform(0.25, 1))),
    ):
        box = canvas.box(lower, upper)
        if box is None:
            continue
        muscle = canvas.is_one_of(box, {Tissue.MUSCLE})
        for cell, thickness in (((60.0, 26.0, 26.0), 3.2), ((45.0, 9.0, 9.0), 1.2)):
            sheet = smooth_noise(rng, box.axes, cell).abs() * (0.75 * cell[1]) - thickness * share
            canvas.paint(box, sheet, Tissue.VISCERAL_FAT, where=muscle.float() * min(1.0, 2.0 * share))
