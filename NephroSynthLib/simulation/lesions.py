"""Pathology of the kidneys: kinds, frequencies and appearance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.kidneys import KidneyAnatomy
from NephroSynthLib.simulation.shapes import rotation_matrix, superellipsoid
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

# Chance that a kidney has the finding.
CYSTS, MASS, STONES, HYDRONEPHROSIS = 0.28, 0.18, 0.14, 0.07


@dataclass(frozen=True)
class Pathology:
    """The pathology of one kidney.

    Attributes:
        dilation: Width of the collecting system relative to normal.
        cysts, mass, stones: True where these are to be placed.
    """

    dilation: float
    cysts: bool
    mass: bool
    stones: bool


def draw_pathology(rng: np.random.Generator) -> Pathology:
    """Draws the pathology of one kidney with the frequencies above."""
    hydronephrosis, cysts, mass, stones = rng.random(4) < (HYDRONEPHROSIS, CYSTS, MASS, STONES)
    dilation = float(rng.uniform(2.2, 4.5) if hydronephrosis else rng.uniform(0.7, 1.5))
    return Pathology(dilation, bool(cysts), bool(mass), bool(stones))


@dataclass(frozen=True)
class Finding:
    """A pathology that was placed.

    Attributes:
        kind: 'cyst', 'mass', 'stone', 'hydronephrosis', 'atrophic kidney', 'single kidney' or 'horseshoe kidney'.
        side: 'right', 'left' or 'both'; for a single kidney the side that is missing.
        centre: (x, y, z) LPS mm on the reference grid, None for findings of a whole kidney.
        size_mm: Its largest diameter, 0 for findings of a whole kidney.
    """

    kind: str
    side: str
    centre: tuple[float, float, float] | None = None
    size_mm: float = 0.0


SIDES = ("right", "left")


def _surface_point(kidney: KidneyAnatomy, rng: np.random.Generator, depth: float) -> NDArray[np.float64]:
    """Draws a point of the parenchyma away from the hilum, at a relative radius `depth` (1 on the capsule)."""
    direction = rng.standard_normal(3)
    direction[1] = abs(direction[1]) if rng.random() < 0.7 else direction[1] * 0.4
    direction /= np.linalg.norm(direction)
    return kidney.to_world(direction * np.asarray(kidney.plan.half) * depth)


def paint_cysts(canvas: Canvas, kidney: KidneyAnatomy, rng: np.random.Generator) -> list[Finding]:
    """Paints simple cysts, one in ten dense with protein or blood."""
    findings = []
    for _ in range(1 + int(rng.geometric(0.5))):
        radius = float(np.clip(rng.lognormal(np.log(8), 0.6), 2, 40))
        centre = _surface_point(kidney, rng, float(rng.uniform(0.6, 1.15)))
        box = canvas.around(centre, radius * 1.15)
        if box is None:
            continue
        hu = canvas.attenuation[Tissue.CYST].clone() + float(rng.normal(0, 4))
        if rng.random() < 0.1:
            hu += float(rng.uniform(25, 75))
        radii = radius * rng.uniform(0.85, 1.1, 3)
        distance = superellipsoid(box.x, box.y, box.z, centre, radii)
        canvas.paint(box, distance, Tissue.CYST, hu=hu, kidney=kidney.plan.side)
        findings.append(
            Finding("cyst", SIDES[kidney.plan.side], (centre[0], centre[1], centre[2]), 2 * float(radii.max()))
        )
    return findings


def paint_mass(canvas: Canvas, kidney: KidneyAnatomy, rng: np.random.Generator) -> list[Finding]:
    """Paints a solid mass: enhancing, uneven, necrotic inside when large, rarely with fat (angiomyolipoma)."""
    radius = float(np.clip(rng.lognormal(np.log(18), 0.55), 5, 58))
    centre = _surface_point(kidney, rng, float(rng.uniform(0.55, 1.1)))
    box = canvas.around(centre, radius * 1.5)
    if box is None:
        return []
    turn = rotation_matrix(*rng.uniform(0, 90, 3))
    radii = radius * rng.uniform(0.8, 1.15, 3)
    distance = box.evaluate_coarsely(lambda x, y, z: superellipsoid(x, y, z, centre, radii, 2.1, turn), 3.0)
    distance = distance + 0.06 * radius * smooth_noise(rng, box.axes, max(5.0, 0.5 * radius))
    hu = canvas.attenuation[Tissue.MASS].clone()
    hu[1:] = hu[0] + (hu[1:] - hu[0]) * float(rng.uniform(0.3, 1.8))
    canvas.paint(box, distance, Tissue.MASS, hu=hu, kidney=kidney.plan.side)
    patches = smooth_noise(rng, box.axes, max(4.0, 0.35 * radius))
    if radius > 15 or rng.random() < 0.3:
        core = torch.maximum(distance + 0.22 * radius, (0.5 - patches) * 5.0)
        canvas.paint(box, core, Tissue.NECROSIS, kidney=kidney.plan.side)
    if rng.random() < 0.1:
        fat = torch.maximum(distance + 0.1 * radius, (0.2 + patches) * 5.0)
        canvas.paint(box, fat, Tissue.MASS, hu=canvas.attenuation[Tissue.SINUS_FAT], kidney=kidney.plan.side)
    return [Finding("mass", SIDES[kidney.plan.side], (centre[0], centre[1], centre[2]), 2 * float(radii.max()))]


def paint_stones(
    canvas: Canvas, kidney: KidneyAnatomy, calyces: NDArray[np.float64], rng: np.random.Generator
) -> list[Finding]:
    """Paints one to four stones in calyces, 2 to 12 mm."""
    findings = []
    for _ in range(1 + int(rng.geometric(0.6))):
        centre = calyces[int(rng.integers(len(calyces)))] + rng.normal([0, 1.5, 0], 1.5)
        radius = float(np.clip(rng.lognormal(np.log(2.2), 0.5), 1, 6.5))
        box = canvas.around(centre, radius * 1.4)
        if box is None:
            continue
        hu = (canvas.attenuation[Tissue.STONE] * float(rng.uniform(0.6, 1.3))).clamp(200, 1700)
        distance = superellipsoid(box.x, box.y, box.z, centre, radius * rng.uniform(0.8, 1.2, 3))
        canvas.paint(box, distance, Tissue.STONE, hu=hu, kidney=kidney.plan.side)
        findings.append(Finding("stone", SIDES[kidney.plan.side], (centre[0], centre[1], centre[2]), 2 * radius))
    return findings
