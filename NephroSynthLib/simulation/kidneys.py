"""Kidneys: capsule, cortex, pyramids, sinus, collecting system and ureter, and the fat around them.

The `kidneys` occupancy of the canvas holds parenchyma, the calyces and infundibula embedded in it, and every lesion
(cysts, masses, stones). Sinus fat, renal pelvis and hilar vessels stay outside, as in KiTS, which leaves out
the hilum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.canvas import Box, Canvas
from NephroSynthLib.simulation.habitus import Habitus, KidneyPlan
from NephroSynthLib.simulation.shapes import curve, round_cone, superellipsoid, to_local
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue


@dataclass(frozen=True)
class KidneyAnatomy:
    """The drawn details of one kidney.

    Attributes:
        plan: Size and place.
        bend: How far the poles curve towards the hilum, mm.
        power: Exponent of the capsule's superellipsoid.
        cortex_mm: Thickness of the cortex.
        sinus: Half sizes of the sinus along the kidney's axes, mm.
        papillae: (n, 3) tips of the pyramids in the kidney's frame.
        bases: (n, 3) middles of the pyramids' bases in the kidney's frame.
        dilation: Width of the collecting system relative to normal; above 2 is hydronephrosis.
    """

    plan: KidneyPlan
    bend: float
    power: float
    cortex_mm: float
    sinus: tuple[float, float, float]
    papillae: NDArray[np.float64]
    bases: NDArray[np.float64]
    dilation: float

    def to_world(self, local: NDArray[np.floating]) -> NDArray[np.float64]:
        """Returns points (..., 3) of the kidney's frame in the anatomy frame."""
        return np.asarray(self.plan.centre + np.asarray(local) @ self.plan.rotation.T)

    def capsule(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the signed distance in mm to the smooth bean, without lobulation."""
        u, v, w = to_local(x, y, z, self.plan.centre, self.plan.rotation)
        a, b, c = self.plan.half
        bent = v + self.bend * ((w / c) ** 2 - 0.35)
        return superellipsoid(u, bent, w, (0, 0, 0), (a, b, c), self.power)

    def sinus_distance(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the signed distance in mm to the renal sinus, which opens at the hilum."""
        u, v, w = to_local(x, y, z, self.plan.centre, self.plan.rotation)
        a, b, c = self.sinus
        return superellipsoid(u, v, w, (0.0, -0.62 * self.plan.half[1], 0.0), (a, b, c), 2.2)


def draw_kidney(rng: np.random.Generator, plan: KidneyPlan, dilation: float) -> KidneyAnatomy:
    """Draws the inner structure of a kidney."""
    a, b, c = plan.half
    cortex = float(rng.uniform(4.5, 8.0)) * (0.75 if plan.state == "atrophic" else 1.0)
    growth = 1.0 + 0.12 * (dilation - 1.0)
    fatty = float(rng.uniform(0.65, 1.15)) * (1.15 if plan.state == "atrophic" else 1.0)
    sinus = (
        min(a * 0.36 * fatty * growth, a - cortex - 4),
        b * 0.74 * min(fatty, 1.1),
        min(c * 0.46 * fatty * growth, c - cortex - 9),
    )
    papillae, bases = [], []
    count = int(rng.integers(4, 7))
    for face in (-1.0, 1.0):
        for angle in np.linspace(-72, 72, count) + rng.normal(0, 4, count):
            t = np.radians(angle)
            direction = np.array([face * rng.uniform(0.35, 0.75), np.cos(t) * 0.95, np.sin(t) * 1.0])
            papillae.append(
                [
                    direction[0] * sinus[0] * 0.8,
                    -0.45 * b + direction[1] * sinus[1] * 0.85,
                    direction[2] * sinus[2] * 0.95,
                ]
            )
            bases.append(
                [
                    direction[0] * (a - cortex) * 1.0,
                    -0.2 * b + direction[1] * (b * 1.15 - cortex) * 0.95,
                    direction[2] * (c - cortex) * 0.92,
                ]
            )
    return KidneyAnatomy(
        plan=plan,
        bend=float(rng.uniform(4, 13)),
        power=float(rng.uniform(2.4, 3.0)),
        cortex_mm=cortex,
        sinus=sinus,
        papillae=np.array(papillae),
        bases=np.array(bases),
        dilation=dilation,
    )


SOFT_NEIGHBOURS = frozenset(
    {
        Tissue.VISCERAL_FAT,
        Tissue.LIVER,
        Tissue.LIVER_VESSEL,
        Tissue.SPLEEN,
        Tissue.STOMACH,
        Tissue.PANCREAS,
        Tissue.BOWEL_FLUID,
        Tissue.SMALL_VESSEL,
        Tissue.BOWEL_GAS,
        Tissue.BOWEL_WALL,
        Tissue.ORAL_CONTRAST,
        Tissue.GALLBLADDER,
    }
)


def paint_perirenal_fat(
    canvas: Canvas,
    kidney: KidneyAnatomy,
    rng: np.random.Generator,
    over: frozenset[Tissue] = SOFT_NEIGHBOURS,
) -> None:
    """Paints the fat around a kidney, of uneven thickness, its stranding and Gerota's fascia.

    Args:
        canvas: Where to paint.
        kidney: The kidney.
        rng: Source of randomness.
        over: Tissues that the fat pushes aside.
    """
    plan = kidney.plan
    reach = max(plan.half) + 2.2 * plan.fat_mm + 12
    box = canvas.around(plan.centre, (reach * 0.8, reach * 0.8, reach))
    if box is None:
        return
    capsule = box.evaluate_coarsely(kidney.capsule, 3.0)
    uneven = plan.fat_mm * (0.9 + 0.55 * smooth_noise(rng, box.axes, 30.0)).clamp(min=0.0)
    medial = -plan.outward * (box.x - float(plan.centre[0])) / 30.0
    distance = capsule - uneven * (1.0 + 0.4 * medial.clamp(-0.6, 1.0))
    mask = canvas.is_one_of(box, set(over))
    fascia = (distance - 1.0).abs() - float(rng.uniform(0.2, 0.7))
    canvas.paint(box, distance, Tissue.PERIRENAL_FAT, where=mask)
    canvas.paint(
        box, fascia, Tissue.FASCIA, where=mask & canvas.is_one_of(box, {Tissue.VISCERAL_FAT, Tissue.PERIRENAL_FAT})
    )
    for _ in range(int(rng.poisson(7 if rng.random() < 0.5 else 22))):
        start = kidney.to_world(rng.standard_normal(3) * np.asarray(plan.half) * 0.8)
        outwards = start - plan.centre
        end = start + outwards / np.linalg.norm(outwards) * rng.uniform(15, 40) + rng.normal(0, 12, 3)
        canvas.paint_tube(
            curve(np.array([start, (start + end) / 2 + rng.normal(0, 4, 3), end]), 6.0),
            float(rng.uniform(0.3, 0.8)),
            Tissue.FASCIA,
            where={Tissue.PERIRENAL_FAT},
        )


def paint_kidney(canvas: Canvas, kidney: KidneyAnatomy, rng: np.random.Generator) -> None:
    """Paints cortex, pyramids and sinus fat."""
    plan = kidney.plan
    a, b, c = plan.half
    box = canvas.around(plan.centre, (max(a, b) * 1.25 + 6, max(a, b) * 1.4 + c * 0.35, c * 1.2 + 6))
    if box is None:
        return
    lobes = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.75 else float(rng.uniform(1.0, 2.2))
    bumps = lobes * smooth_noise(rng, box.axes, 11.0) + float(rng.uniform(0.3, 1.8)) * smooth_noise(rng, box.axes, 26.0)
    capsule = box.evaluate(kidney.capsule) + bumps
    canvas.paint(box, capsule, Tissue.CORTEX, kidney=plan.side)
    inner = capsule + kidney.cortex_mm
    width = float(rng.uniform(8.5, 12.0)) * (b / 31.0)
    for tip, base in zip(kidney.to_world(kidney.papillae), kidney.to_world(kidney.bases), strict=True):
        _paint_pyramid(canvas, box, inner, tip, base, width, plan.side)
    sinus = box.evaluate(kidney.sinus_distance) + float(rng.uniform(1.0, 2.2)) * smooth_noise(rng, box.axes, 6.5)
    canvas.paint(box, torch.maximum(sinus, capsule - 1.0), Tissue.SINUS_FAT)
    _paint_sinus_vessels(canvas, kidney, rng)


def _paint_sinus_vessels(canvas: Canvas, kidney: KidneyAnatomy, rng: np.random.Generator) -> None:
    """Paints segmental vessels that fan out through the sinus fat towards the columns between the pyramids."""
    root = np.array([0.0, -0.8 * kidney.plan.half[1], 0.0])
    for tip in kidney.papillae + rng.normal(0, 3, kidney.papillae.shape):
        tissue, radius = (Tissue.RENAL_VEIN, 1.7) if rng.random() < 0.5 else (Tissue.RENAL_ARTERY, 1.2)
        middle = (root + tip) / 2 + rng.normal(0, 2, 3)
        course = kidney.to_world(curve(np.array([root, middle, 1.08 * tip]), 5.0))
        canvas.paint_tube(
            course, np.linspace(1.5 * radius, 0.7 * radius, len(course)), tissue, where={Tissue.SINUS_FAT}
        )


def _paint_pyramid(
    canvas: Canvas,
    box: Box,
    inner: Tensor,
    tip: NDArray[np.float64],
    base: NDArray[np.float64],
    width: float,
    side: int,
) -> None:
    part = canvas.box(np.minimum(tip, base) - width, np.maximum(tip, base) + width)
    if part is None:
        return
    offset = [slice(p.start - q.start, p.stop - q.start) for p, q in zip(part.slices, box.slices, strict=True)]
    if any(s.start < 0 or s.stop > n for s, n in zip(offset, inner.shape, strict=True)):
        return
    cone = round_cone(part.x, part.y, part.z, tip, base, 3.5, width)
    canvas.paint(part, torch.maximum(cone, inner[offset[0], offset[1], offset[2]]), Tissue.MEDULLA, kidney=side)


def paint_isthmus(canvas: Canvas, kidneys: list[KidneyAnatomy], habitus: Habitus, rng: np.random.Generator) -> None:
    """Joins the lower poles of a horseshoe kidney in front of the great vessels."""
    right, left = sorted(kidneys, key=lambda k: k.plan.side)
    ends = [k.to_world(np.array([0.0, 0.0, -k.plan.half[2] * 0.8])) for k in (right, left)]
    middle = np.array([0.0, habitus.spine_y - habitus.vertebra[1] - 34, (ends[0][2] + ends[1][2]) / 2 - 4])
    radius = float(rng.uniform(9, 15))
    for side, end in enumerate(ends):
        course = curve(np.array([end, (end + middle) / 2 + np.array([0, -4, 0]), middle]), 6.0)
        canvas.paint_tube(course, np.linspace(radius + 4, radius, len(course)), Tissue.CORTEX, kidney=side)
