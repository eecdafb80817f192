"""Spine, ribs and iliac crests."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve, ellipse_cylinder, superellipsoid
from NephroSynthLib.simulation.tissues import Tissue


def paint_spine(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paint discs, vertebral bodies with cortex and marrow, arches, processes and the canal."""
    half_x, half_y = habitus.vertebra
    spine, pitch = habitus.spine_y, habitus.pitch
    disc = float(rng.uniform(5, 10))
    phase = float(rng.uniform(0, pitch))
    lordosis = float(rng.uniform(0, 14))

    def centre_y(z: Tensor) -> Tensor:
        return spine - lordosis * torch.exp(-(((z + 90) / 80) ** 2))

    def level(z: Tensor) -> Tensor:
        return torch.remainder(z + phase, pitch) - pitch / 2

    def column(x: Tensor, y: Tensor, z: Tensor, grow: float) -> Tensor:
        waist = 1.0 - 0.10 * (1.0 - (level(z).abs() / (pitch / 2)) ** 2)
        return ellipse_cylinder(x, y, (0.0, centre_y(z)), ((half_x + grow) * waist, (half_y + grow) * waist), 2.4)

    box = canvas.box((-95, spine - 50, -1000), (95, spine + 85, 1000))
    if box is None:
        return
    x, y, z = box.x, box.y, box.z
    back = centre_y(z) + half_y
    canal = ellipse_cylinder(x, y, (0.0, back + 8.0), (10.5, 8.5))
    arch_height = (level(z).abs() - pitch * 0.36).expand(box.shape)
    arch = torch.maximum(ellipse_cylinder(x, y, (0.0, back + 9.0), (17.0, 15.0)), arch_height)
    spinous = torch.maximum(torch.maximum(x.abs() - 3.5, (y - back - 34.0).abs() - 17.0), (level(z) + 5.0).abs() - 9.0)
    transverse = torch.maximum(torch.maximum(x.abs() - 42.0, (y - back - 6.0 - 0.12 * x.abs()).abs() - 4.5), level(z).abs() - 6.0)
    facet = torch.maximum(ellipse_cylinder(x.abs(), y, (18.0, back + 14.0), (8.0, 9.0)), level(z).abs() - 15.0)
    body = torch.maximum(column(x, y, z, 0.0), (level(z).abs() - (pitch - disc) / 2).expand(box.shape))
    bone = torch.minimum(torch.minimum(arch, spinous), torch.minimum(transverse, facet))
    canvas.paint(box, column(x, y, z, 0.0).expand(box.shape), Tissue.DISC)
    for shape, shell in ((bone, float(rng.uniform(1.5, 2.5))), (body, float(rng.uniform(0.9, 1.8)))):
        canvas.paint(box, shape, Tissue.CORTICAL_BONE)
        canvas.paint(box, shape + shell, Tissue.SPONGY_BONE)
    canvas.paint(box, canal.expand(box.shape), Tissue.SPINAL_CANAL)


def paint_ribs(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paint the lower ribs, each from its vertebra around the cavity wall, falling to the front."""
    width, depth = habitus.cavity
    top = float(rng.uniform(25, 60))
    drop = float(rng.uniform(45, 80))
    ends = (np.radians(rng.uniform(50, 75)), np.radians(rng.uniform(85, 110)), np.radians(150), np.radians(155), np.radians(160),
            np.radians(160))
    for number, end in enumerate(ends):
        start_z = top + number * habitus.pitch * 0.8
        for sign in (-1.0, 1.0):
            angle = np.linspace(np.radians(22), end, 16)
            out = 1.0 + (5.0 + 0.3 * habitus.wall[1]) / width
            course = np.stack([
                sign * width * out * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / habitus.power),
                depth * (1.0 + 6.0 / depth) * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / habitus.power),
                start_z - drop * np.sin(np.clip(angle, 0, np.pi / 2)) + 10 * np.clip(angle - np.pi / 2, 0, 9),
            ], axis=1)
            course = curve(course, 8.0)
            canvas.paint_tube(course, 5.2, Tissue.CORTICAL_BONE)
            canvas.paint_tube(course, 3.3, Tissue.SPONGY_BONE)


def paint_iliac_crests(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paint the iliac wings where the field of view reaches them."""
    width, spine = habitus.cavity[0], habitus.spine_y
    crest = -float(rng.uniform(95, 130))
    for sign in (-1.0, 1.0):
        centre = (sign * width * 0.35, spine - 45, crest - 80)
        radii = (width * 0.52, 75.0, 80.0)

        def wing(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
            shell = superellipsoid(x, y, z, centre, radii).abs() - 5.0
            return torch.maximum(torch.maximum(shell, 35.0 - sign * x), spine - 60.0 - y)

        box = canvas.box((sign * width * 0.5 - 80, spine - 70, crest - 200), (sign * width * 0.5 + 80, spine + 60, crest + 8))
        if box is None:
            continue
        distance = box.evaluate(wing)
        canvas.paint(box, distance, Tissue.CORTICAL_BONE)
        canvas.paint(box, distance + 1.8, Tissue.SPONGY_BONE)
