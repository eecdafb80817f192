"""Spine and ribs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import ellipse_cylinder
from NephroSynthLib.simulation.tissues import Tissue


def paint_spine(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints discs, vertebral bodies with cortex and marrow, arches, processes and the canal."""
    half_x, half_y = habitus.vertebra
    spine, pitch = habitus.spine_y, habitus.pitch
    disc = float(rng.uniform(5, 10))
    phase = float(rng.uniform(0, pitch))

    def centre_y(z: Tensor) -> Tensor:
        return spine - habitus.pelvis.lordosis * torch.exp(-(((z + 90) / 80) ** 2))

    def level(z: Tensor) -> Tensor:
        return torch.remainder(z + phase, pitch) - pitch / 2

    def column(x: Tensor, y: Tensor, z: Tensor, grow: float) -> Tensor:
        waist = 1.0 - 0.10 * (1.0 - (level(z).abs() / (pitch / 2)) ** 2)
        return ellipse_cylinder(x, y, (0.0, centre_y(z)), ((half_x + grow) * waist, (half_y + grow) * waist), 2.4)

    box = canvas.box((-95, spine - 50, habitus.pelvis.promontory), (95, spine + 85, 1000))
    if box is None:
        return
    x, y, z = box.x, box.y, box.z
    back = centre_y(z) + half_y
    canal = ellipse_cylinder(x, y, (0.0, back + 8.0), (10.5, 8.5))
    arch_height = (level(z).abs() - pitch * 0.36).expand(box.shape)
    arch = torch.maximum(ellipse_cylinder(x, y, (0.0, back + 9.0), (17.0, 15.0)), arch_height)
    spinous = torch.maximum(torch.maximum(x.abs() - 3.5, (y - back - 34.0).abs() - 17.0), (level(z) + 5.0).abs() - 9.0)
    transverse = torch.maximum(
        torch.maximum(x.abs() - 42.0, (y - back - 6.0 - 0.12 * x.abs()).abs() - 4.5), level(z).abs() - 6.0
    )
    facet = torch.maximum(ellipse_cylinder(x.abs(), y, (18.0, back + 14.0), (8.0, 9.0)), level(z).abs() - 15.0)
    body = torch.maximum(column(x, y, z, 0.0), (level(z).abs() - (pitch - disc) / 2).expand(box.shape))
    bone = torch.minimum(torch.minimum(arch, spinous), torch.minimum(transverse, facet))
    canvas.paint(box, column(x, y, z, 0.0).expand(box.shape), Tissue.DISC)
    for shape, shell in ((bone, float(rng.uniform(1.5, 2.5))), (body, float(rng.uniform(0.9, 1.8)))):
        canvas.paint(box, shape, Tissue.CORTICAL_BONE)
        canvas.paint(box, shape + shell, Tissue.SPONGY_BONE)
    canvas.paint(box, canal.expand(box.shape), Tissue.SPINAL_CANAL)


def paint_ribs(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the lower ribs, each from its vertebra around the wall, falling to the front, and costal cartilage."""
    top = float(rng.uniform(30, 65))
    slope = float(rng.uniform(38, 58))
    bone_end = np.radians([rng.uniform(45, 75), rng.uniform(85, 110), 125, 130, 135, 135, 135])
    cartilage_end = np.radians([0, 0, 160, 165, 168, 170, 170])
    size = float(rng.uniform(0.85, 1.15))
    for number in range(7):
        for sign in (-1.0, 1.0):
            level = top + number * habitus.pitch * 0.85 + float(rng.normal(0, 2))
            bone = _rib_course(habitus, np.linspace(np.radians(20), bone_end[number], 18), sign, level, slope)
            for radius, tissue in ((4.6 * size, Tissue.CORTICAL_BONE), (2.9 * size, Tissue.SPONGY_BONE)):
                for lift in (-2.5, 2.5):
                    canvas.paint_tube(bone + np.array([0, 0, lift]), radius, tissue)
            if cartilage_end[number]:
                front = _rib_course(
                    habitus, np.linspace(bone_end[number], cartilage_end[number], 8), sign, level, slope
                )
                canvas.paint_tube(front, 5.0 * size, Tissue.DISC)


def _rib_course(
    habitus: Habitus, angle: NDArray[np.float64], sign: float, level: float, slope: float
) -> NDArray[np.float64]:
    """Returns points (n, 3) along the wall at angles (radians) from the posterior midline; they rise again in front."""
    width, depth = habitus.cavity
    outside = 5.0 + 0.3 * habitus.wall[1]
    turn = 2 / habitus.power
    fall = slope * np.minimum(angle, 2.0) - 0.8 * slope * np.clip(angle - 2.2, 0, None)
    return np.stack(
        [
            sign * (width + outside) * np.abs(np.sin(angle)) ** turn,
            (depth + outside) * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** turn,
            level - fall,
        ],
        axis=1,
    )
