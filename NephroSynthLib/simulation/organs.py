"""Liver, gallbladder, spleen, stomach, pancreas and adrenals."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.simulation.body import cavity_distance
from NephroSynthLib.simulation.canvas import Box, Canvas, Distance
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve, rotation_matrix, smooth_intersection, smooth_union, superellipsoid
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

ENLARGED = 14
# One stomach in so many is distended, and full of fluid.
DISTENDED = 8
"""One spleen in so many is enlarged."""


def _bumpy(rng: np.random.Generator, amplitude: float, cell: float = 35.0) -> Distance:
    """Returns a function that draws smooth bumps with a standard deviation of `amplitude` mm, to add to a distance."""

    def bumps(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return amplitude * smooth_noise(rng, (z.flatten(), y.flatten(), x.flatten()), cell)

    return bumps


def paint_liver(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the liver: a right lobe that reaches down to the right kidney, a left lobe, and its vessels.

    Its volume is 1.5 l on average, as on CT of adults (Johnson et al., AJR 2005;185:1421-1427).
    """
    width, depth = habitus.cavity
    low = float(rng.normal(0, 18))
    medial = float(rng.uniform(0.02, 0.2))
    right_radii = (width * (0.54 - medial), depth * float(rng.uniform(0.58, 0.84)), float(rng.uniform(70, 102)))
    right_centre = (-width * 0.62, float(rng.uniform(-0.15, 0.05)) * depth, 86 + low)
    left_radii = (
        width * float(rng.uniform(0.41, 0.69)),
        depth * float(rng.uniform(0.24, 0.36)),
        float(rng.uniform(36, 57)),
    )
    left_centre = (-width * 0.1, -0.6 * depth, 96 + low)
    tail = float(rng.uniform(10, 75)) if rng.random() < 0.45 else 0.0
    bumps = _bumpy(rng, 3.5)
    kidney = habitus.kidney(0)
    hollow = np.array([1.3, 1.25, 0.95]) * float(rng.uniform(0.7, 1.0))

    def liver(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        shape = smooth_union(
            superellipsoid(x, y, z, right_centre, right_radii, 2.3),
            superellipsoid(x, y, z, left_centre, left_radii, 2.0, rotation_matrix(0, -8, 8)),
            22.0,
        )
        if tail:
            lobe = superellipsoid(x, y, z, (-width * 0.72, 0.05 * depth, low - 15), (30, 42, 45 + tail))
            shape = smooth_union(shape, lobe, 15.0)
        if kidney is not None:
            behind = kidney.centre + np.array([12.0, 22.0, -10.0])
            fossa = superellipsoid(x, y, z, behind, np.asarray(kidney.half)[[1, 1, 2]] * hollow, 2.0)
            shape = smooth_intersection(shape, -fossa, 10.0)
        return smooth_intersection(shape + bumps(x, y, z), cavity_distance(habitus, x, y, z) + 2.0, 4.0)

    lower, upper = (-width - 10, -depth - 10, low - 130), (width * 0.8, depth + 10, 250)
    canvas.paint_shape(lower, upper, liver, Tissue.LIVER, coarse=True)
    hilum = np.array([-width * 0.22, -0.12 * depth, 62 + low])
    for _ in range(int(rng.integers(9, 15))):
        target = np.array([-width * rng.uniform(0.1, 0.9), depth * rng.uniform(-0.75, 0.6), low + rng.uniform(20, 150)])
        middle = (hilum + target) / 2 + rng.normal(0, 10, 3)
        course = curve(np.array([hilum, middle, target]), 7.0)
        canvas.paint_tube(
            course, np.linspace(rng.uniform(3.0, 6.0), 0.9, len(course)), Tissue.LIVER_VESSEL, where={Tissue.LIVER}
        )
    if rng.random() < 0.75:
        size = float(rng.uniform(9, 19))
        centre = (-width * float(rng.uniform(0.28, 0.5)), -0.42 * depth, low + float(rng.uniform(-5, 30)))
        turn = rotation_matrix(float(rng.uniform(-50, -10)), float(rng.uniform(-20, 20)), 0)
        canvas.paint_shape(
            np.subtract(centre, 55),
            np.add(centre, 55),
            lambda x, y, z: superellipsoid(x, y, z, centre, (size + 2, size + 2, size * 2.0 + 2), 2.0, turn),
            Tissue.BOWEL_WALL,
        )
        canvas.paint_shape(
            np.subtract(centre, 50),
            np.add(centre, 50),
            lambda x, y, z: superellipsoid(x, y, z, centre, (size, size, size * 2.0), 2.0, turn),
            Tissue.GALLBLADDER,
        )


def paint_spleen(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the spleen: a crescent under the left diaphragm whose tip comes down to the left kidney.

    Its volume is 0.2 l on average, as on CT of adults (Prassopoulos et al., Eur Radiol 1997;7:246-248); one spleen in
    `ENLARGED` is enlarged.
    """
    width, depth = habitus.cavity
    scale = 0.82 * float(np.exp(rng.normal(0, 0.14)))
    if rng.random() < 1 / ENLARGED:
        scale *= float(rng.uniform(1.3, 1.7))
    stretch = float(np.exp(rng.normal(0.08, 0.25)))
    radii = (34 * scale / stretch**0.4, 52 * scale * float(rng.uniform(0.8, 1.2)), 58 * scale * stretch)
    kidney = habitus.kidney(1)
    kidney_x = kidney.centre[0] if kidney is not None else 72.0
    centre = (max(width * 0.70, kidney_x + 14), 0.22 * depth + float(rng.normal(0, 10)), 74 + float(rng.normal(0, 22)))
    turn = rotation_matrix(float(rng.uniform(5, 40)), float(rng.uniform(-20, 10)), float(rng.uniform(-25, 5)))
    bumps = _bumpy(rng, float(rng.uniform(1.5, 5.5)), float(rng.uniform(18, 34)))
    deep = float(rng.uniform(0.6, 1.15))
    hollow_centre = np.asarray(centre) + np.array([-width * 0.40, -0.25 * depth, 5])

    def spleen(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        solid = superellipsoid(x, y, z, centre, radii, 2.2, turn) + bumps(x, y, z)
        hollow = -superellipsoid(x, y, z, hollow_centre, (42 * deep, 48 * deep, 70))
        return smooth_intersection(
            smooth_intersection(solid, hollow, 8.0), cavity_distance(habitus, x, y, z) + 3.0, 6.0
        )

    reach = 1.4 * max(radii)
    canvas.paint_shape(np.subtract(centre, reach), np.add(centre, reach), spleen, Tissue.SPLEEN, coarse=True)
    hilum = np.asarray(centre) + np.array([-radii[0] * 1.1, -10, 0])
    course = curve(np.array([hilum, hilum + np.array([-25, -12, -8]), [20, habitus.spine_y - 55, 40]]), 6.0)
    wave = np.stack([0 * course[:, 0], 0 * course[:, 0], 4 * np.sin(np.arange(len(course)))], axis=1)
    canvas.paint_tube(course + wave, 2.8, Tissue.SMALL_VESSEL)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.3 else 0):
        place = hilum + rng.normal(0, 1, 3) * [12, 20, 25] - np.array([8, 0, 20])
        canvas.paint_tube(np.stack([place, place + 1]), float(rng.uniform(4, 11)), Tissue.SPLEEN)


def contents(rng: np.random.Generator, canvas: Canvas, box: Box, level_y: float) -> Tensor:
    """Returns (phase, z, y, x) HU of fluid or oral contrast behind an air-fluid level, and of gas in front of it."""
    fluid = Tissue.ORAL_CONTRAST if rng.random() < 0.1 else Tissue.BOWEL_FLUID
    low = canvas.attenuation[fluid] + float(rng.normal(0, 8))
    gas = canvas.attenuation[Tissue.BOWEL_GAS]
    share = ((box.y - level_y) / 2.0 + 0.5).clamp(0, 1).expand(box.shape)
    return torch.lerp(gas[:, None, None, None], low[:, None, None, None], share)


def paint_stomach(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the stomach with its wall, fluid or food, and gas in front."""
    width, depth = habitus.cavity
    scale = float(np.exp(rng.normal(-0.05, 0.25)))
    distension = rng.spawn(1)[0]
    distended = distension.random() < 1 / DISTENDED
    scale *= float(distension.uniform(1.3, 2.0)) if distended else 1.0
    centre = (
        width * float(rng.uniform(0.28, 0.45)),
        -depth * float(rng.uniform(0.2, 0.5)),
        float(rng.uniform(70, 120)),
    )
    radii = (44 * scale, 34 * scale, 52 * scale)
    turn = rotation_matrix(float(rng.uniform(-30, 20)), float(rng.uniform(-10, 35)), 0)
    bumps = _bumpy(rng, 3.5, 30.0)
    reach = 1.3 * max(radii)
    box = canvas.around(centre, reach)
    if box is None:
        return

    def stomach(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        shape = superellipsoid(x, y, z, centre, radii, 2.2, turn) + bumps(x, y, z)
        return smooth_intersection(shape, cavity_distance(habitus, x, y, z) + 6.0, 8.0)

    distance = box.evaluate_coarsely(stomach)
    level = centre[1] + radii[1] * float(rng.uniform(-1.1, 0.6))
    level -= 0.5 * radii[1] if distended else 0.0
    canvas.paint(box, distance, Tissue.STOMACH)
    inner = distance + float(rng.uniform(3, 6))
    hu = contents(rng, canvas, box, level)
    food = float(rng.uniform(0, 45)) * float(rng.random() < 0.5)
    hu[:, :] += food * smooth_noise(rng, box.axes, float(rng.uniform(5, 14))) * (box.y > level)
    canvas.paint(box, inner, Tissue.BOWEL_FLUID, hu=hu)
    box_labels = canvas.labels[box.slices]
    box_labels[(inner < 0) & (box.y.expand(box.shape) < level)] = int(Tissue.BOWEL_GAS)


def paint_pancreas(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the pancreas, its tail in front of the left kidney, and the splenic vein behind it."""
    y = habitus.spine_y
    front = y - habitus.vertebra[1] - 22
    course = np.array(
        [
            [-34, front - 4, -8],
            [-26, front - 12, 6],
            [-4, front - 24, 16],
            [26, front - 20, 26],
            [58, front + 2, 34],
            [88, front + 18, 42],
        ],
        dtype=float,
    )
    course = curve(course + rng.normal(0, 4, course.shape) + np.array([0, 0, rng.normal(2, 8)]), 5.0)
    ripple = 1 + 0.14 * rng.standard_normal(len(course))
    radius = (
        np.interp(np.linspace(0, 1, len(course)), [0, 0.15, 0.35, 0.7, 1], [13, 13, 8, 10, 8])
        * ripple
        * rng.uniform(0.85, 1.4)
    )
    canvas.paint_tube(course, radius, Tissue.PANCREAS)
    vein = course[len(course) // 4 :] + np.array([0, 7, 0])
    canvas.paint_tube(vein, 3.6, Tissue.SMALL_VESSEL)


def paint_adrenals(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints both adrenals as two thin limbs above and medial of each kidney."""
    for side, sign in ((0, -1.0), (1, 1.0)):
        kidney = habitus.kidney(side)
        pole = np.array([sign * 52, habitus.spine_y, 55.0])
        if kidney is not None:
            pole = kidney.centre + kidney.rotation[:, 2] * (kidney.half[2] + 2)
        root = pole + np.array([-sign * 12, -14, 2])
        for end in (root + np.array([sign * 10, 16, -14]), root + np.array([-sign * 4, 18, -12])):
            canvas.paint_tube(np.array([root + np.array([0, 0, 12]), root, end]), [1.8, 3.0, 2.2], Tissue.ADRENAL)


def paint_clips(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints a few surgical clips where a gallbladder or a kidney was removed, now and then."""
    absent = [side for side in (0, 1) if habitus.kidney(side) is None]
    if absent and rng.random() < 0.6:
        place = np.array([-40.0 if absent[0] == 0 else 40.0, habitus.spine_y - 12, 0.0])
    elif rng.random() < 0.06:
        place = np.array([-0.35 * habitus.cavity[0], -0.3 * habitus.cavity[1], 30.0])
    else:
        return
    for _ in range(int(rng.integers(1, 6))):
        start = place + rng.normal(0, 9, 3)
        canvas.paint_tube(np.stack([start, start + rng.normal(0, 2.5, 3)]), 0.7, Tissue.METAL)
