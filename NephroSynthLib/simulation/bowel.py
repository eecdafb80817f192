"""Duodenum, colon, small bowel and the mesentery between them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import curve
from NephroSynthLib.simulation.tissues import Tissue

_SOFT = {
    Tissue.VISCERAL_FAT,
    Tissue.PERIRENAL_FAT,
    Tissue.FASCIA,
    Tissue.BOWEL_WALL,
    Tissue.BOWEL_FLUID,
    Tissue.STOOL,
    Tissue.ORAL_CONTRAST,
    Tissue.BOWEL_GAS,
    Tissue.SMALL_VESSEL,
    Tissue.PANCREAS,
    Tissue.STOMACH,
    Tissue.ASCITES,
}
# Chance that a stretch of bowel holds the same in all phases, minutes apart.
STILL = 0.8
# The drawn state of the bowel in each phase; the corticomedullary phase comes just before the nephrographic one.
STATES = (0, 1, 2, 1)
# Chance of a small bowel that is dilated and full of fluid, as in an obstruction or after a lot of oral water.
DILATED = 1 / 12


def _clear_of_kidneys(
    points: NDArray[np.float64], habitus: Habitus, clearance: float, fat_share: float = 0.6
) -> NDArray[np.float64]:
    """Pushes points out of the kidneys' ellipsoids grown by a clearance and a share of the fat around them."""
    moved = points.copy()
    for kidney in habitus.kidneys:
        radii = np.asarray(kidney.half) + clearance + kidney.fat_mm * fat_share
        local = (moved - kidney.centre) @ kidney.rotation
        level = np.linalg.norm(local / radii, axis=1)
        inside = level < 1
        local[inside] /= np.maximum(level[inside], 0.2)[:, None]
        moved[inside] = kidney.centre + local[inside] @ kidney.rotation.T
    return moved


def _within_cavity(points: NDArray[np.float64], habitus: Habitus, margin: float) -> NDArray[np.float64]:
    """Pulls points inside the cavity and in front of the spine."""
    width, depth = habitus.cavity
    level = (
        np.abs(points[:, 0] / (width - margin)) ** habitus.power
        + np.abs(points[:, 1] / (depth - margin)) ** habitus.power
    ) ** (1 / habitus.power)
    moved = points.copy()
    moved[:, :2] /= np.maximum(level, 1.0)[:, None]
    plan, z = habitus.pelvis, points[:, 2]
    low, high = plan.front(z) + margin, np.maximum(plan.back(z) - margin, plan.front(z) + margin + 1)
    moved[:, 1] = np.clip(moved[:, 1], low, high)
    reach = np.maximum(plan.half_width(z) - margin, 4.0)
    moved[:, 0] = np.clip(moved[:, 0], -reach, reach)
    moved[:, 2] = np.maximum(z, plan.floor + margin)
    front = habitus.spine_y - habitus.vertebra[1] - margin - 4
    middle = (np.abs(moved[:, 0]) < 45) & (z > plan.promontory)
    moved[middle, 1] = np.minimum(moved[middle, 1], front)
    return moved


def _paint_loop(
    canvas: Canvas,
    course: NDArray[np.float64],
    radius: NDArray[np.float64],
    wall: float,
    filling: list[tuple[Tissue, float]],
    rng: np.random.Generator,
) -> None:
    """Paints a tube with a wall. `filling` gives tissues and their shares; gas rises, contents move between phases."""
    canvas.paint_tube(course, radius, Tissue.BOWEL_WALL, where=_SOFT)
    tissues, shares = zip(*filling, strict=True)
    shares_array = np.asarray(shares) / np.sum(shares)
    inner = np.maximum(radius - wall, 0.4 * radius)
    lumen = {Tissue.BOWEL_WALL, Tissue.BOWEL_FLUID, Tissue.STOOL, Tissue.ORAL_CONTRAST, Tissue.BOWEL_GAS}
    start = 0
    while start < len(course) - 1:
        stop = min(len(course), start + int(rng.integers(3, 9)))
        kinds = [tissues[int(k)] for k in rng.choice(len(tissues), size=3, p=shares_array)]
        if rng.random() < STILL:
            kinds = [kinds[0]] * 3
        states = STATES[: len(canvas.hu)]
        hu = torch.stack([canvas.attenuation[kinds[state], phase] for phase, state in enumerate(states)])
        piece, size = course[start : stop + 1], inner[start : stop + 1]
        if kinds[0] == Tissue.BOWEL_GAS:
            liquid = Tissue.STOOL if Tissue.STOOL in tissues else Tissue.BOWEL_FLUID
            canvas.paint_tube(piece, size, liquid, where=lumen)
            piece = piece - np.array([0, 0.25 * float(size.mean()), 0])
            size = size * float(rng.uniform(0.6, 0.85))
        canvas.paint_tube(piece, size, kinds[0], hu=hu + float(rng.normal(0, 12)), where=lumen)
        start = stop


def paint_colon(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints ascending, transverse and descending colon with haustra, stool and gas."""
    width, depth = habitus.cavity
    caliber = float(rng.uniform(12, 28))
    back = habitus.spine_y - 10
    right = np.array(
        [
            [-0.55 * width, back - 50, habitus.pelvis.crest - float(rng.uniform(30, 75))],
            [-0.68 * width, back - 32, habitus.pelvis.crest],
            [-0.74 * width, back - 18, -45],
            [-0.66 * width, back - 35, float(rng.uniform(-35, 5))],
        ]
    )
    across = np.array(
        [
            [-0.45 * width, -0.55 * depth, float(rng.uniform(-45, 0))],
            [0, -0.78 * depth, float(rng.uniform(-70, 0))],
            [0.45 * width, -0.6 * depth, float(rng.uniform(-10, 40))],
        ]
    )
    left = np.array(
        [
            [0.74 * width, back - 45, float(rng.uniform(40, 75))],
            [0.83 * width, back - 8, float(rng.uniform(10, 40))],
            [0.82 * width, back - 6, -40],
            [0.74 * width, back - 22, habitus.pelvis.crest + 5],
            [0.60 * width, back - 55, habitus.pelvis.crest - 50],
        ]
    )
    left = np.vstack([left, _sigmoid_and_rectum(habitus, rng)])
    points = np.vstack([right, across, left]) + rng.normal(0, 6, (3 + 4 + 5 + 9, 3))
    course = curve(_within_cavity(_clear_of_kidneys(points, habitus, caliber), habitus, caliber), 7.0)
    course = _within_cavity(_clear_of_kidneys(course, habitus, caliber * 0.9), habitus, caliber)
    position = np.linspace(0, 1, len(course))
    narrowing = np.interp(position, [0, 0.4, 0.7, 1], [1.15, 1.0, 0.75, 0.65])
    haustra = 1 + 0.16 * np.sin(np.arange(len(course)) * 7.0 / float(rng.uniform(20, 30)) * 2 * np.pi)
    radius = caliber * narrowing * haustra
    filling = [
        (Tissue.STOOL, float(rng.uniform(0.2, 1))),
        (Tissue.BOWEL_GAS, float(rng.uniform(0.1, 1))),
        (Tissue.BOWEL_FLUID, float(rng.uniform(0, 0.6))),
    ]
    if rng.random() < 0.07:
        filling.append((Tissue.ORAL_CONTRAST, 1.0))
    _paint_loop(canvas, course, radius, float(rng.uniform(1.5, 3.0)), filling, rng)


def _sigmoid_and_rectum(habitus: Habitus, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns (9, 3) points along a random sigmoid loop and along the rectum in front of the sacrum."""
    plan, s = habitus.pelvis, habitus.pelvis.size
    hip_y, hip_z = plan.hip[1], plan.hip[2]
    sacrum = plan.sacrum()
    peak = float(rng.uniform(20, 110)) * s
    loop = np.array(
        [
            [56 * s, hip_y - 20, hip_z + 70 * s],
            [30 * s, hip_y - 10, hip_z + 50 * s],
            [rng.uniform(-30, 10) * s, hip_y - rng.uniform(0, 40), hip_z + 40 * s + peak],
            [rng.uniform(-45, 0) * s, hip_y - rng.uniform(-10, 30), hip_z + 45 * s + 0.6 * peak],
            [-10 * s, hip_y + 20, hip_z + 60 * s],
        ]
    )
    rectum = sacrum[2:6] + np.array([[0, -26, 0], [0, -26, 0], [0, -24, 0], [0, -14, 6]]) * s
    return np.vstack([loop, rectum])


def paint_duodenum(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints the duodenum's C around the head of the pancreas."""
    y = habitus.spine_y - habitus.vertebra[1] - 20
    points = np.array(
        [
            [-14, y - 30, 32],
            [-40, y - 18, 28],
            [-50, y + 4, 5],
            [-46, y + 4, -28],
            [-18, y - 2, -44],
            [18, y - 4, -38],
            [34, y - 18, -12],
        ],
        dtype=float,
    ) + rng.normal(0, 4, (7, 3))
    course = curve(_clear_of_kidneys(points, habitus, 10.0), 6.0)
    radius = float(rng.uniform(8, 13)) * (1 + 0.12 * rng.standard_normal(len(course)))
    filling = [
        (Tissue.BOWEL_FLUID, 1.0),
        (Tissue.BOWEL_GAS, 0.15),
        (Tissue.ORAL_CONTRAST, 0.7 * float(rng.random() < 0.2) + 0.01),
    ]
    _paint_loop(canvas, course, radius, 2.5, filling, rng)


def paint_small_bowel(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints loops of small bowel as wandering tubes in the front and lower abdomen and in the pelvis."""
    width, depth = habitus.cavity
    lowest = habitus.pelvis.hip[2] + 20
    contents = small_bowel_contents(rng)
    widening = 1.0
    if (dilation := rng.spawn(1)[0]).random() < DILATED:
        widening, contents = float(dilation.uniform(1.4, 2.2)), [(Tissue.BOWEL_FLUID, 1.0), (Tissue.BOWEL_GAS, 0.15)]
    for _ in range(int(rng.uniform(14, 40) * (width * depth / (137 * 92)) ** 0.7)):
        start = np.array([rng.uniform(-0.6, 0.65) * width, rng.uniform(-0.75, 0.1) * depth, rng.uniform(lowest, 20)])
        if start[0] > 0.15 * width:
            start[2] += rng.uniform(0, 45)
        radius_mm = widening * float(np.clip(rng.lognormal(np.log(9.5), 0.25), 5.5, 18))
        course = curve(_wander(start, rng), 6.0)
        course = _within_cavity(_clear_of_kidneys(course, habitus, radius_mm + 2), habitus, radius_mm + 2)
        radius = radius_mm * (1 + 0.1 * rng.standard_normal(len(course)))
        _paint_loop(canvas, course, radius, float(rng.uniform(1.8, 3.5)), contents, rng)


def small_bowel_contents(rng: np.random.Generator) -> list[tuple[Tissue, float]]:
    """Draws the contents of a patient's small bowel and their shares."""
    oral = 2.0 * float(rng.random() < 0.1) + 0.01
    return [
        (Tissue.BOWEL_FLUID, 1.0),
        (Tissue.BOWEL_WALL, float(rng.uniform(0, 0.5))),
        (Tissue.BOWEL_GAS, float(rng.uniform(0, 0.3))),
        (Tissue.ORAL_CONTRAST, oral),
    ]


def _wander(start: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns the start and five to ten more points, 24 mm apart, along a random walk."""
    heading, points = rng.standard_normal(3), [start]
    for _ in range(int(rng.integers(5, 11))):
        heading = 0.55 * heading / np.linalg.norm(heading) + 0.75 * rng.standard_normal(3) * [1, 0.8, 0.7]
        points.append(points[-1] + 24 * heading / np.linalg.norm(heading))
    return np.array(points)


def paint_bowel_beside_kidneys(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints loops of jejunum or colon on the kidneys' front, side and lower pole, with hardly any fat between."""
    for kidney in habitus.kidneys:
        for _ in range(int(rng.poisson(1.6))):
            large = rng.random() < 0.4
            radius_mm = float(rng.uniform(14, 25) if large else rng.uniform(7, 16))
            ahead = np.array([kidney.outward * rng.uniform(-0.6, 1.0), rng.uniform(-1.0, -0.1), rng.uniform(-1.2, 0.7)])
            start = kidney.centre + ahead / np.linalg.norm(ahead) * (np.asarray(kidney.half).mean() + radius_mm)
            course = curve(_wander(start, rng)[: int(rng.integers(3, 7))], 6.0)
            course = _clear_of_kidneys(course, habitus, radius_mm, fat_share=float(rng.uniform(0, 0.4)))
            course = _within_cavity(course, habitus, radius_mm + 1)
            radius = radius_mm * (1 + 0.1 * rng.standard_normal(len(course)))
            contents = small_bowel_contents(rng) if not large else [(Tissue.STOOL, 1.0), (Tissue.BOWEL_FLUID, 0.7)]
            _paint_loop(canvas, course, radius, float(rng.uniform(1.5, 3.5)), contents, rng)


def paint_mesentery(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints mesenteric vessels and lymph nodes in the fat."""
    width, depth = habitus.cavity
    root = np.array([4, habitus.spine_y - habitus.vertebra[1] - 34, 10.0])
    for sign, radius in ((1.0, 3.6), (-1.0, 4.8)):
        trunk = curve(
            np.array(
                [
                    root + np.array([sign * 7, 0, 0]),
                    root + np.array([sign * 7, -14, -30]),
                    root + np.array([sign * 6, -22, -80]),
                    root + np.array([sign * 4, -25, -180]),
                ]
            ),
            8.0,
        )
        canvas.paint_tube(trunk, radius, Tissue.SMALL_VESSEL)
    for _ in range(int(rng.integers(22, 42))):
        start = root + np.array([rng.normal(0, 8), -10 - rng.uniform(0, 14), rng.uniform(-150, 10)])
        end = np.array(
            [rng.uniform(-0.75, 0.75) * width, rng.uniform(-0.85, 0.1) * depth, start[2] + rng.uniform(-40, 40)]
        )
        course = curve(np.array([start, (start + end) / 2 + rng.normal(0, 9, 3), end]), 7.0)
        canvas.paint_tube(
            course,
            np.linspace(rng.uniform(1.0, 2.2), 0.5, len(course)),
            Tissue.SMALL_VESSEL,
            where={Tissue.VISCERAL_FAT},
        )
    for beside in (np.array([0, -12, -40]), np.array([14, 28, -10])):
        for _ in range(int(rng.integers(0, 9))):
            centre = root + rng.normal(0, 1, 3) * [35, 12, 60] + beside
            node = np.array([centre, centre + rng.normal(0, 3, 3)])
            canvas.paint_tube(node, float(rng.uniform(1.5, 5.0)), Tissue.LYMPH_NODE, where={Tissue.VISCERAL_FAT})
