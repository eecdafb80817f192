"""Calyces, renal pelvis and ureter, and the urine in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.canvas import Box, Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.kidneys import KidneyAnatomy
from NephroSynthLib.simulation.shapes import curve, round_cone
from NephroSynthLib.simulation.tissues import Tissue

# Width of the collecting system relative to normal from which on it counts as hydronephrosis.
HYDRONEPHROTIC = 2.0


@dataclass(frozen=True)
class Urine:
    """Appearance of one kidney's urine in the excretory phase.

    Attributes:
        filling: Share of fresh, opacified urine, 0 to 1.
        layering: Relative change of the iodine over 6 mm towards the back, where it settles.
    """

    filling: float
    layering: float

    def hu(self, canvas: Canvas, tissue: Tissue, box: Box, centre_y: float, share: float) -> Tensor:
        """Returns (phase, z, y, x) HU of urine about `centre_y` mm of which the part `share` is opacified."""
        hu = canvas.attenuation[tissue][:, None, None, None].repeat(1, *box.shape)
        plain = canvas.attenuation[tissue, 0]
        gradient = ((box.y - centre_y) / 6.0 * self.layering).clamp(-0.95, 1.0)
        hu[2] = plain + (hu[2] - plain) * (self.filling * share) * (1.0 + gradient)
        return hu.clamp_(max=3071.0)


def draw_urine(rng: np.random.Generator, dilation: float) -> Urine:
    """Draws filling and layering: old urine dilutes the iodine of a dilated system, and the iodine settles."""
    if dilation < HYDRONEPHROTIC:
        return Urine(filling=float(rng.uniform(0.6, 1.0)), layering=float(rng.uniform(0.0, 0.5)))
    return Urine(filling=float(rng.uniform(0.1, 0.6)), layering=float(rng.uniform(0.5, 1.5)))


def paint_collecting_system(
    canvas: Canvas, kidney: KidneyAnatomy, rng: np.random.Generator, habitus: Habitus
) -> NDArray[np.float64]:
    """Paints calyces, infundibula, pelvis and ureter; returns the calyces' centres (n, 3), where stones form."""
    _, b, c = kidney.plan.half
    d = kidney.dilation
    urine = draw_urine(rng, d)
    centre = np.array([0.0, -0.62 * b, 0.0])
    exit_point = np.array([0.0, -1.08 * b, -0.10 * c])
    cups = []
    for papilla in kidney.papillae:
        if rng.random() < 0.25 and d < HYDRONEPHROTIC:
            continue
        share = float(rng.uniform(0.5, 1.0)) * (1.0 if rng.random() < 0.9 else 0.1)
        cup = 0.95 * papilla
        neck = centre + np.array([0.0, 0.2 * b, np.sign(papilla[2]) * min(abs(papilla[2]), 0.25 * c)])
        _paint_urine(canvas, kidney, [neck, cup], np.array([1.5, 1.3]) * (0.6 + 0.4 * d), Tissue.PELVIS, urine, share)
        width = np.array([2.2, 3.0]) * float(rng.uniform(0.8, 1.2)) * (0.3 + 0.7 * d)
        _paint_urine(canvas, kidney, [cup, papilla], width, Tissue.CALYX, urine, share)
        cups.append(cup)
    for end in (-0.28, 0.28):
        branch = [centre + np.array([0.0, 0.18 * b, end * c]), centre]
        _paint_urine(canvas, kidney, branch, np.array([2.4, 3.6]) * (0.4 + 0.6 * d), Tissue.PELVIS, urine, 1.0)
    funnel = [centre + np.array([0.0, 0.2 * b, 0.0]), centre, exit_point]
    width = np.array([2.2, 5.5, 3.4]) * (0.35 + 0.65 * d) * float(rng.uniform(0.7, 1.15))
    _paint_urine(canvas, kidney, funnel, width, Tissue.PELVIS, urine, 1.0)
    _paint_ureter(canvas, kidney, rng, habitus, kidney.to_world(exit_point), urine)
    return kidney.to_world(np.array(cups if cups else [centre]))


def _paint_urine(
    canvas: Canvas,
    kidney: KidneyAnatomy,
    points: list[NDArray[np.float64]],
    radii: NDArray[np.float64],
    tissue: Tissue,
    urine: Urine,
    share: float,
) -> None:
    """Paints a tube of urine along points of the kidney's frame; only calyces count as kidney."""
    world = kidney.to_world(np.array(points))
    side = kidney.plan.side if tissue == Tissue.CALYX else None
    for start, end, first, last in zip(world[:-1], world[1:], radii[:-1], radii[1:], strict=True):
        widest = max(first, last)
        box = canvas.box(np.minimum(start, end) - widest, np.maximum(start, end) + widest)
        if box is None:
            continue
        distance = round_cone(box.x, box.y, box.z, start, end, float(first), float(last))
        hu = urine.hu(canvas, tissue, box, float(start[1] + end[1]) / 2, share)
        canvas.paint(box, distance, tissue, hu=hu, kidney=side)


def _paint_ureter(
    canvas: Canvas,
    kidney: KidneyAnatomy,
    rng: np.random.Generator,
    habitus: Habitus,
    start: NDArray[np.float64],
    urine: Urine,
) -> None:
    """Paints the ureter from the renal pelvis along the psoas; peristalsis fills some parts and empties others."""
    sign, spine, d = kidney.plan.outward, habitus.spine_y, kidney.dilation
    plan, brim = habitus.pelvis, habitus.pelvis.promontory
    points = np.array(
        [
            start,
            start + np.array([-sign * 5, -2, -18]),
            [sign * rng.uniform(34, 46), spine - 16, (2 * start[2] + brim) / 3],
            [sign * rng.uniform(28, 42), spine - 30, brim],
            [sign * 52 * plan.size, plan.hip[1] + 22, plan.hip[2] + 36],
            [sign * 40 * plan.size, plan.hip[1] + 14, plan.hip[2] + 6],
            [sign * 18, plan.hip[1] - 8, plan.hip[2] - 6],
        ]
    )
    course = curve(points, 7.0)
    radius = float(rng.uniform(1.2, 2.4)) * (0.7 + 0.3 * d)
    radii = np.full(len(course), radius)
    radii[:4] = np.linspace(3.2 * (0.5 + 0.5 * d), radius, 4)
    opacified = np.repeat(rng.random(len(course) // 4 + 1) < 0.65, 4)[: len(course)]
    base = canvas.attenuation[Tissue.URETER]

    def hu(segment: int) -> Tensor:
        excretory = base[0] + (base[2] - base[0]) * urine.filling * float(opacified[segment])
        return torch.stack([base[0], base[1], excretory, *base[3:]])

    canvas.paint_tube(course, radii, Tissue.URETER, hu=hu)
