"""The body wall with skin, fat and muscles, the lungs, and the table and arms around the patient."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.simulation.canvas import Box, Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve, ellipse_cylinder, smooth_intersection, smooth_union, superellipsoid
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue


def cavity_distance(habitus: Habitus, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Returns the signed distance in mm to the inner surface of the abdominal and thoracic wall."""
    width, depth = habitus.cavity
    narrowing = 1.0 + 0.00025 * z - 0.0000018 * z**2
    behind = torch.where(y > 0, 1.0, 1.0 - 0.0000015 * z**2)
    return ellipse_cylinder(x, y, (0.0, 0.0), (width * narrowing, depth * behind), habitus.power)


def outer_muscle_distance(habitus: Habitus, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Returns the signed distance in mm to the outer surface of hip and thigh muscles; large above the crests."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    hip_x, hip_y, hip_z = plan.hip
    m = habitus.muscularity**0.5
    rise = ((plan.crest + 15.0 - z) / (plan.crest - hip_z)).clamp(0.0, 1.2)
    width = (118.0 + 46.0 * m * (1.0 - (1.0 - rise.clamp(max=1.0)) ** 2)) * s
    depth = (52.0 + 38.0 * m * rise.clamp(max=1.0).sqrt()) * s
    hips = ellipse_cylinder(x, y, (0.0, hip_y + 16.0 * s), (width, depth), 2.5)
    hips = smooth_intersection(hips, 0.8 * (z - plan.crest - 4.0), 30.0)
    thigh_x = (hip_x - 2.0) - 0.04 * (hip_z - z)
    thigh = ellipse_cylinder(x.abs(), y, (thigh_x, hip_y + 8.0), (76.0 * s * m, 80.0 * s * m))
    return torch.lerp(hips + 0 * x, thigh + 0 * x, torch.sigmoid((hip_z - 66.0 * s - z) / 9.0).expand_as(hips + 0 * x))


def _by_direction(x: Tensor, y: Tensor, values: tuple[float, float, float]) -> Tensor:
    """Returns a thickness that changes smoothly from front through side to back."""
    front, side, back = values
    radius = (x**2 + y**2).sqrt().clamp(min=1.0)
    towards_back = y / radius
    ahead, behind = (-towards_back).clamp(min=0.0) ** 2, towards_back.clamp(min=0.0) ** 2
    return front * ahead + back * behind + side * (1.0 - ahead - behind)


def paint_body(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints skin, subcutaneous fat, muscular wall and the fat that fills the cavity."""
    box = canvas.whole()
    fat_noise, wall_noise = (smooth_noise(rng, _coarse(box.axes), 55.0) for _ in range(2))

    def resample(noise: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(noise[None, None], size=box.shape, mode="trilinear", align_corners=True)[
            0, 0
        ]

    cavity = box.evaluate_coarsely(lambda x, y, z: cavity_distance(habitus, x, y, z))
    wall = box.evaluate_coarsely(lambda x, y, z: _by_direction(x, y, habitus.wall) + 0 * z)
    below = habitus.pelvis.crest - 70.0
    trunk = torch.maximum(cavity, 0.7 * (below - box.z))
    pelvic = box.evaluate_coarsely(habitus.pelvis.cavity_distance)
    hips = box.evaluate_coarsely(lambda x, y, z: outer_muscle_distance(habitus, x, y, z))
    inner = smooth_intersection(cavity, pelvic, 35.0)
    wall = wall * (1.0 + float(rng.uniform(0.1, 0.35)) * resample(wall_noise)).clamp(min=0.35)
    fat = box.evaluate_coarsely(lambda x, y, z: _by_direction(x, y, habitus.fat) * (1.0 - 0.0025 * z).clamp(0.5, 1.5))
    fat = fat * (1.0 + 0.2 * resample(fat_noise)).clamp(min=0.3)
    muscle = smooth_union(inner - wall, hips, 12.0)
    outside = smooth_union(smooth_union(trunk - wall, muscle, 25.0) - fat, muscle - 0.7 * fat, 30.0)
    canvas.paint(box, outside - 2.0, Tissue.SKIN)
    canvas.paint(box, outside, Tissue.SUBCUTANEOUS_FAT)
    septa = smooth_noise(rng, box.axes, (30.0, 14.0, 14.0)).abs() * 12.0 - float(rng.uniform(-0.6, 0.5))
    canvas.paint(box, torch.maximum(septa, outside + 2.0), Tissue.FASCIA)
    canvas.paint(box, muscle, Tissue.MUSCLE)
    canvas.paint(box, (cavity - 0.55 * wall).abs() - 0.7, Tissue.VISCERAL_FAT, where=_flanks(box, habitus))
    canvas.paint(box, inner, Tissue.VISCERAL_FAT)
    _paint_linea_alba(canvas, habitus)


def _flanks(box: Box, habitus: Habitus) -> Tensor:
    """Returns 1 in front of the spine and above the crests, where fat separates the layers of the abdominal wall."""
    return ((box.y < habitus.spine_y) & (box.z > habitus.pelvis.crest)).float()


def _coarse(axes: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    z, y, x = (
        torch.linspace(float(a[0]), float(a[-1]), max(2, int((float(a[-1]) - float(a[0])) / 10.0))) for a in axes
    )
    return z, y, x


def _paint_linea_alba(canvas: Canvas, habitus: Habitus) -> None:
    depth = habitus.cavity[1]
    canvas.paint_shape(
        (-6, -depth - habitus.wall[0], habitus.pelvis.crest - 40),
        (6, -depth, 60),
        lambda x, y, z: (
            torch.maximum(x.abs() - 3.0, (y + depth + habitus.wall[0] / 2).abs() - habitus.wall[0] / 2) + 0 * z
        ),
        Tissue.SUBCUTANEOUS_FAT,
    )


def paint_lungs(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints both lung bases above a domed diaphragm, and the heart's lower border now and then."""
    depth = habitus.cavity[1]
    for sign in (-1.0, 1.0):
        _paint_lung(canvas, habitus, rng, sign)
    if rng.random() < 0.9:
        lower, upper = (-60, -depth, 128), (90, depth, 400)
        centre, radii = (18, -0.35 * depth, 190), (55, 45, 52)
        canvas.paint_shape(
            lower, upper, lambda x, y, z: superellipsoid(x, y, z, centre, radii), Tissue.HEART, coarse=True
        )


def _paint_lung(canvas: Canvas, habitus: Habitus, rng: np.random.Generator, sign: float) -> None:
    """Paints one lung base, inside the wall and above the dome of the diaphragm, deeper in the posterior recess."""
    width, depth = habitus.cavity
    dome = float(rng.uniform(125, 165)) - (8 if sign > 0 else 0)
    recess = float(rng.uniform(60, 95))

    def lung(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        across, along = (x - sign * width * 0.52) / (width * 0.5), (y + 0.1 * depth) / (depth * 1.05)
        floor = dome - (dome - recess) * ((across**2 + along**2).sqrt() / 0.95).clamp(0, 1.2) ** 4
        inside = cavity_distance(habitus, x, y, z) + 5.0
        beside = smooth_intersection(inside, 28.0 - sign * x, 10.0)
        return smooth_intersection(beside, 0.7 * (floor - z), 6.0)

    low, high = (-width - 20, -8) if sign < 0 else (8, width + 20)
    canvas.paint_shape((low, -depth - 20, recess - 30), (high, depth + 20, 600), lung, Tissue.LUNG, coarse=True)


def paint_surroundings(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the table under the patient and, now and then, an arm beside the body."""
    back = habitus.cavity[1] + habitus.wall[2] + habitus.fat[2]
    top = back + float(rng.uniform(4, 14))
    radius, thickness = float(rng.uniform(350, 900)), float(rng.uniform(18, 45))
    box = canvas.box((-240, top - 90, -2000), (240, top + thickness + 20, 2000))
    if box is not None:
        air = canvas.is_one_of(box, {Tissue.AIR})
        plane = (box.x**2 + (box.y - top + radius) ** 2).sqrt() - radius + 0 * box.z
        plane = torch.maximum(plane, (box.x.abs() - 215.0) + 0 * box.z)
        foam = torch.full((len(canvas.hu),), float(rng.uniform(-980, -900)))
        canvas.paint(box, (plane - thickness / 2).abs() - thickness / 2, Tissue.TABLE, hu=foam, where=air)
        for shell in (1.0, thickness):
            canvas.paint(box, (plane - shell).abs() - 0.9, Tissue.TABLE, where=air)
    if rng.random() < 0.15:
        for sign in (-1.0, 1.0):
            if rng.random() < 0.25:
                continue
            reach = habitus.cavity[0] + habitus.wall[1] + habitus.fat[1] + float(rng.uniform(38, 60))
            y, drift = float(rng.uniform(-40, 50)), rng.normal(0, 25)
            arm = np.array([[sign * reach, y, -300], [sign * (reach + 5), y + drift, 400]])
            arm = curve(arm, 40.0)
            for r, tissue in (
                (34.0, Tissue.SKIN),
                (32.0, Tissue.SUBCUTANEOUS_FAT),
                (26.0, Tissue.MUSCLE),
                (9.0, Tissue.CORTICAL_BONE),
                (5.0, Tissue.SPONGY_BONE),
            ):
                canvas.paint_tube(arm, r, tissue)
