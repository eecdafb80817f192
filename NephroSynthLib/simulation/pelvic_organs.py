"""Urinary bladder, uterus or prostate, and the fat around the pelvic floor."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.canvas import Box, Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve, rotation_matrix, smooth_intersection, superellipsoid
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

# Median and logarithmic spread of the volume of urine in ml, and its limits.
_VOLUME_ML = (130.0, 0.9, 3.0, 600.0)


def paint_pelvic_floor_fat(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the ischioanal fossae and the cleft between the buttocks."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    _, hip_y, hip_z = plan.hip
    thick = float(rng.uniform(0.7, 1.3)) * s
    for sign in (-1.0, 1.0):
        fossa = np.array(
            [[sign * 34 * s, hip_y + 56 * s, hip_z - 24 * s], [sign * 26 * s, hip_y + 36 * s, hip_z - 84 * s]]
        )
        canvas.paint_tube(fossa, np.array([9.0, 17.0]) * thick, Tissue.VISCERAL_FAT, where={Tissue.MUSCLE})
    back = plan.sacrum()[3:, 1].max() + 34 * s
    cleft = np.array([[0, back, plan.sacrum()[3, 2]], [0, back - 12, hip_z - 20 * s], [0, back - 20, hip_z - 110 * s]])
    canvas.paint_tube(cleft, np.array([8.0, 18.0, 22.0]) * thick, Tissue.SUBCUTANEOUS_FAT, where={Tissue.MUSCLE})


def paint_genital_organs(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints uterus, cervix and ovaries, or prostate and seminal vesicles."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    _, hip_y, hip_z = plan.hip
    size = float(np.exp(rng.normal(0, 0.2))) * s
    if not plan.female:
        centre = (0.0, hip_y - 14 * s, hip_z - 24 * s)
        _paint_ellipsoid(canvas, centre, (23 * size, 16 * size, 19 * size), Tissue.PROSTATE, np.eye(3))
        for sign in (-1.0, 1.0):
            vesicle = np.array([[sign * 4, hip_y + 4 * s, hip_z - 6], [sign * 26 * s, hip_y + 12 * s, hip_z + 8]])
            canvas.paint_tube(vesicle, np.array([6.0, 4.0]) * size, Tissue.PROSTATE)
        return
    if rng.random() < 0.85:
        tilt = rotation_matrix(float(rng.uniform(-20, 75)), float(rng.normal(0, 15)), 0)
        centre = (float(rng.normal(0, 8)), hip_y + 12 * s, hip_z + float(rng.uniform(15, 40)) * s)
        _paint_ellipsoid(canvas, centre, (24 * size, 20 * size, 36 * size), Tissue.UTERUS, tilt)
        cervix = np.array([[0, hip_y + 8 * s, hip_z - 20 * s], centre])
        canvas.paint_tube(cervix, np.array([13.0, 15.0]) * s, Tissue.UTERUS)
    for sign in (-1.0, 1.0):
        place = np.array([sign * rng.uniform(32, 48) * s, hip_y + rng.normal(8, 8), hip_z + rng.uniform(20, 50) * s])
        canvas.paint_tube(np.stack([place, place + rng.normal(0, 8, 3)]), float(rng.uniform(5, 11)), Tissue.UTERUS)
        if rng.random() < 0.2:
            canvas.paint_tube(np.stack([place, place + 1]), float(rng.uniform(4, 14)), Tissue.CYST)


def _paint_ellipsoid(
    canvas: Canvas,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    tissue: Tissue,
    turn: NDArray[np.float64],
) -> None:
    reach = 1.05 * max(radii)
    canvas.paint_shape(
        np.subtract(centre, reach),
        np.add(centre, reach),
        lambda x, y, z: superellipsoid(x, y, z, centre, radii, 2.2, turn),
        tissue,
    )


def paint_bladder(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the urinary bladder behind the pubis: nearly empty to very full, its wall, and iodine that has settled."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    _, hip_y, hip_z = plan.hip
    median, spread, least, most = _VOLUME_ML
    volume = float(np.clip(median * np.exp(rng.normal(0, spread)), least, most))
    mean_radius = 10.0 * (volume * 3 / (4 * np.pi)) ** (1 / 3)
    shape = np.exp(rng.normal(0, 0.1, 3)) * [1.15, 0.9, 0.97]
    radii = mean_radius * shape / float(np.prod(shape)) ** (1 / 3)
    centre = np.array([rng.normal(0, 5), hip_y - 46 * s + 8 + radii[1], hip_z - 20 * s + 0.92 * radii[2]])
    turn = rotation_matrix(float(rng.uniform(-5, 25)), 0.0, float(rng.normal(0, 5)))
    wall = float(rng.uniform(1.5, 3.5)) + (3.0 if volume < 60 else 0.0) + (4.0 if rng.random() < 0.08 else 0.0)
    box = canvas.around(centre, 1.25 * radii.max() + wall + 6)
    if box is None:
        return
    bumps = float(rng.uniform(0.5, 0.06 * mean_radius + 0.8)) * smooth_noise(rng, box.axes, 26.0)

    def bladder(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        solid = superellipsoid(x, y, z, centre, radii, 2.3, turn)
        return smooth_intersection(solid, plan.cavity_distance(x, y, z) + 1.0, 14.0)

    distance = box.evaluate(bladder) + bumps
    canvas.paint(box, distance - wall, Tissue.BLADDER_WALL)
    canvas.paint(box, distance, Tissue.BLADDER, hu=settled(canvas, rng, box, float(centre[1]), float(radii[1])))


def settled(canvas: Canvas, rng: np.random.Generator, box: Box, middle: float, radius: float) -> Tensor:
    """Returns (phase, z, y, x) HU of urine whose iodine lies behind a sharp or gradual level, or is well mixed."""
    base = canvas.attenuation[Tissue.BLADDER]
    hu = base[:, None, None, None].repeat(1, *box.shape)
    level = middle + float(rng.uniform(-0.9, 0.8)) * radius
    sharpness = float(rng.uniform(1.5, 30.0))
    share = torch.sigmoid((box.y - level) / sharpness) * float(rng.uniform(1.0, 2.0)) + float(rng.uniform(0, 0.15))
    if rng.random() < 0.25:
        share = torch.ones_like(share)
    for phase in range(1, len(base)):
        hu[phase] = base[0] + (base[phase] - base[0]) * share
    return hu.clamp_(max=3071.0)


def paint_rectum(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the anal canal; the rectum above it belongs to the colon's course."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    anus = np.array([[0, plan.hip[1] + 26 * s, plan.floor - 40 * s], [0, plan.hip[1] + 26 * s, plan.floor + 8]])
    canvas.paint_tube(curve(anus + rng.normal(0, 1, 3), 10.0), 12.0 * s, Tissue.BOWEL_WALL)
