"""Wall and contents of the hollow organs of a label map: bowel, stomach, gallbladder and bladder."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import spatial

from NephroSynthLib.simulation.bowel import STATES, STILL, small_bowel_contents
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_organs import Region, region
from NephroSynthLib.simulation.organs import contents
from NephroSynthLib.simulation.pelvic_organs import settled
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

Filling = list[tuple[Tissue, float]]


def paint_hollow_organs(canvas: Canvas, label_map: LabelMap, rng: np.random.Generator) -> None:
    """Paints every hollow organ with its wall and its contents."""
    colon: Filling = [
        (Tissue.STOOL, float(rng.uniform(0.2, 1))),
        (Tissue.BOWEL_GAS, float(rng.uniform(0.1, 1))),
        (Tissue.BOWEL_FLUID, float(rng.uniform(0, 0.6))),
        (Tissue.ORAL_CONTRAST, float(rng.random() < 0.07)),
    ]
    small = small_bowel_contents(rng)
    loops = (
        ("small_bowel", small, 14.0, float(rng.uniform(1.0, 2.2))),
        ("duodenum", small, 12.0, float(rng.uniform(1.5, 2.5))),
        ("esophagus", [(Tissue.BOWEL_WALL, 1.0), (Tissue.BOWEL_GAS, 0.2)], 8.0, 2.5),
        ("colon", colon, 24.0, float(rng.uniform(1.2, 2.5))),
    )
    for name, filling, size, wall in loops:
        where = region(canvas, label_map, name)
        if where is not None:
            _paint_loops(canvas, where, filling, size, wall, folds=name != "colon", rng=rng)
    _paint_stomach(canvas, label_map, rng)
    for name, wall_tissue, tissue, thickness in (
        ("gallbladder", Tissue.BOWEL_WALL, Tissue.GALLBLADDER, 1.5),
        ("urinary_bladder", Tissue.BLADDER_WALL, Tissue.BLADDER, float(rng.uniform(1.5, 3.0))),
    ):
        where = region(canvas, label_map, name)
        if where is None:
            continue
        inside = where.distance + thickness
        canvas.paint(where.box, where.distance, wall_tissue)
        hu = None
        if tissue == Tissue.BLADDER:
            y = label_map.points(name)[:, 1]
            hu = settled(canvas, rng, where.box, float(y.mean()), float(np.ptp(y)) / 2)
        canvas.paint(where.box, inside, tissue, hu=hu)


def _paint_stomach(canvas: Canvas, label_map: LabelMap, rng: np.random.Generator) -> None:
    """Paints the stomach's wall, food or fluid, and gas in front of it."""
    where = region(canvas, label_map, "stomach")
    if where is None:
        return
    y = label_map.points("stomach")[:, 1]
    level = float(np.quantile(y, rng.uniform(0, 0.7)))
    inside = where.distance + float(rng.uniform(2.0, 3.2))
    box = where.box
    canvas.paint(box, where.distance, Tissue.STOMACH)
    hu = contents(rng, canvas, box, level)
    food = float(rng.uniform(0, 45)) * float(rng.random() < 0.5)
    hu += food * smooth_noise(rng, box.axes, float(rng.uniform(5, 14))) * (box.y > level)
    canvas.paint(box, inside, Tissue.BOWEL_FLUID, hu=hu)
    canvas.labels[box.slices].masked_fill_((inside < 0) & (box.y < level), int(Tissue.BOWEL_GAS))


def _paint_loops(
    canvas: Canvas, where: Region, filling: Filling, size: float, wall: float, folds: bool, rng: np.random.Generator
) -> None:
    """Divides an organ into pieces, each with its contents in each phase; gas rises, contents move between phases.

    Args:
        canvas: Where to paint.
        where: The organ.
        filling: Contents and their shares.
        size: Typical radius of a piece in mm.
        wall: Thickness of the wall in mm.
        folds: Paint a wall between the pieces too: the map joins loops of small bowel that touch each other.
        rng: Source of randomness.
    """
    box = where.box
    canvas.paint(box, where.distance, Tissue.BOWEL_WALL)
    inside = np.argwhere((where.distance < 0.5 - wall).numpy())
    if not len(inside):
        return
    points = torch.stack([axis[torch.from_numpy(inside[:, k])] for k, axis in enumerate(box.axes)], dim=1).numpy()
    voxel = float(np.prod(canvas.grid.spacing))
    count = max(2, int(len(points) * voxel / (4.2 * size**3)))
    seeds = points[rng.integers(len(points), size=count)]
    bent = points + _waves(rng, where, inside)
    distances, nearest = spatial.cKDTree(seeds).query(bent, k=2)
    piece = nearest[:, 0]
    hu, label = _contents_of(canvas, filling, seeds, points, piece, rng)
    if folds:
        apart = np.linalg.norm(seeds[nearest[:, 0]] - seeds[nearest[:, 1]], axis=1)
        border = (distances[:, 1] ** 2 - distances[:, 0] ** 2) / (2 * np.maximum(apart, 1.0))
        share = np.clip(0.5 + (wall - border) / canvas.edge, 0, 1).astype(np.float32)
        folded = canvas.attenuation[Tissue.BOWEL_WALL].numpy()
        hu += share * (folded[:, None] - hu)
        label[share > 0.5] = Tissue.BOWEL_WALL
    values = canvas.attenuation[Tissue.BOWEL_WALL][:, None, None, None].repeat(1, *box.shape)
    values.numpy()[(slice(None), *inside.T)] = hu
    canvas.paint(box, where.distance + wall, Tissue.BOWEL_WALL, hu=values)
    inner = (where.distance + wall).numpy() < 0
    kinds = np.full(inner.shape, int(Tissue.BOWEL_WALL), np.uint8)
    kinds[tuple(inside.T)] = label
    canvas.labels.numpy()[box.slices][inner] = kinds[inner]


def _waves(rng: np.random.Generator, where: Region, inside: NDArray[np.int64]) -> NDArray[np.float32]:
    """Draws smooth shifts (n, 3) in mm that bend the borders of the pieces."""
    fields = [smooth_noise(rng, where.box.axes, 14.0).numpy()[tuple(inside.T)] for _ in range(3)]
    return np.asarray(3.0 * np.stack(fields, axis=1), dtype=np.float32)


def _contents_of(
    canvas: Canvas,
    filling: Filling,
    seeds: NDArray[np.float32],
    points: NDArray[np.float32],
    piece: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Returns HU (phase, n) and labels (n,) of points (n, 3), (z, y, x) in mm, from the contents of their pieces."""
    tissues, shares = zip(*filling, strict=True)
    values = np.array([int(tissue) for tissue in tissues])
    kinds = values[rng.choice(len(values), size=(len(seeds), 3), p=np.asarray(shares) / np.sum(shares))]
    still = rng.random(len(seeds)) < STILL
    kinds[still] = kinds[still, :1]
    liquid = int(Tissue.STOOL if Tissue.STOOL in tissues else Tissue.BOWEL_FLUID)
    level = seeds[:, 1] + rng.normal(2.0, 4.0, len(seeds))
    ahead = points[:, 1] < level[piece]
    own = kinds[piece]
    own = np.where((own == int(Tissue.BOWEL_GAS)) & ~ahead[:, None], liquid, own)
    table = canvas.attenuation.numpy()
    shift = rng.normal(0, 12, len(seeds))[piece]
    states = STATES[: table.shape[1]]
    hu = np.stack([table[own[:, state], phase] + shift for phase, state in enumerate(states)]).astype(np.float32)
    return hu, own[:, 0].astype(np.uint8)
