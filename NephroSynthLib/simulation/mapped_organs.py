"""Paints the organs, vessels, bones and muscles of a label map with smooth borders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.canvas import Box, Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.splines import tensor_product
from NephroSynthLib.simulation.tissues import Tissue

# Standard deviation in voxels of the smoothing that turns labels into a distance.
_SIGMA = 0.75
_PAD = 4

_SIDES = ("left", "right")
BONES = [
    *(f"vertebrae_{part}{n}" for part, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1)),
    *("vertebrae_S1", "sacrum", "sternum", "skull"),
    *(f"{name}_{side}" for name in ("hip", "femur", "scapula", "clavicula") for side in _SIDES),
    *(f"rib_{side}_{n}" for side in _SIDES for n in range(1, 13)),
]
_PLAIN: dict[Tissue, list[str]] = {
    Tissue.MUSCLE: [
        f"{name}_{side}"
        for name in ("autochthon", "gluteus_maximus", "gluteus_medius", "gluteus_minimus", "iliopsoas")
        for side in _SIDES
    ]
    + ["thyroid_gland", "brain"],
    Tissue.LUNG: [
        f"lung_{lobe}"
        for lobe in ("upper_lobe_left", "lower_lobe_left", "upper_lobe_right", "middle_lobe_right", "lower_lobe_right")
    ],
    Tissue.HEART: ["heart", "atrial_appendage_left"],
    Tissue.LIVER: ["liver"],
    Tissue.SPLEEN: ["spleen"],
    Tissue.PANCREAS: ["pancreas"],
    Tissue.ADRENAL: ["adrenal_gland_left", "adrenal_gland_right"],
    Tissue.PROSTATE: ["prostate"],
    Tissue.VENA_CAVA: [
        *("inferior_vena_cava", "superior_vena_cava", "pulmonary_vein"),
        *(f"{name}_{side}" for name in ("iliac_vena", "brachiocephalic_vein") for side in _SIDES),
    ],
    Tissue.AORTA: [
        *("aorta", "brachiocephalic_trunk"),
        *(
            f"{name}_{side}"
            for name in ("iliac_artery", "common_carotid_artery", "subclavian_artery")
            for side in _SIDES
        ),
    ],
    Tissue.LIVER_VESSEL: ["portal_vein_and_splenic_vein"],
    Tissue.BOWEL_GAS: ["trachea"],
    Tissue.DISC: ["costal_cartilages"],
}


@dataclass(frozen=True)
class Region:
    """A class on the canvas.

    Attributes:
        box: The voxels around it.
        distance: (z, y, x) signed distance in mm on the box, negative inside, true within about 3 mm of the surface.
    """

    box: Box
    distance: Tensor


def region(canvas: Canvas, label_map: LabelMap, name: str) -> Region | None:
    """Returns where a class lies on the canvas; None if it lies outside.

    The labels, smoothed with a Gaussian, are the share of a normal distribution on one side of a plane, so that the
    quantile of that share is the distance to the surface. Beyond its ends the map is continued with its end slices.
    """
    if name not in label_map.boxes:
        return None
    grid, found = label_map.grid, label_map.boxes[name]
    sigma = [_SIGMA * step for step in grid.spacing[::-1]]
    starts, stops = _continued(found, grid.shape)
    lower, upper = (
        np.asarray(grid.origin) + np.array([k[2], k[1], k[0]]) * np.asarray(grid.spacing) for k in (starts, stops)
    )
    box = canvas.box(lower - 3.0 * np.array(sigma[::-1]), upper + 3.0 * np.array(sigma[::-1]))
    if box is None:
        return None
    crop = (label_map.labels[found] == label_map.classes[name]).astype(np.float32)
    weights, padding = [], []
    for k, (axis, part) in enumerate(zip(box.axes, found, strict=True)):
        count = grid.shape[k]
        before, after = (_PAD if part.start == 0 else 0), (_PAD if part.stop == count else 0)
        padding.append((before, after))
        index = torch.arange(part.start - before, part.stop + after, dtype=torch.float64)
        position = ((axis.double() - grid.origin[2 - k]) / grid.spacing[2 - k]).clamp(0.0, count - 1.0)
        gauss = torch.exp(-0.5 * ((position[:, None] - index[None, :]) / _SIGMA) ** 2)
        weights.append((gauss / (_SIGMA * np.sqrt(2 * np.pi))).float())
    share = tensor_product(torch.from_numpy(np.pad(crop, padding, mode="edge")), weights)
    distance = torch.special.ndtri(share.clamp_(1e-3, 1.0 - 1e-3)).mul_(-float(np.mean(sigma)))
    return Region(box, distance)


def _continued(found: tuple[slice, slice, slice], shape: tuple[int, int, int]) -> tuple[list[int], list[int]]:
    """Returns first and last indices of a class; far outside the map where it reaches the map's end."""
    far = 1000
    starts = [part.start if part.start else -far for part in found]
    stops = [part.stop - 1 if part.stop < count else count + far for part, count in zip(found, shape, strict=True)]
    return starts, stops


def paint_soft_organs(canvas: Canvas, label_map: LabelMap) -> None:
    """Paints muscles, lungs and solid organs."""
    soft = (t for t in _PLAIN if t not in (Tissue.VENA_CAVA, Tissue.AORTA, Tissue.LIVER_VESSEL))
    _paint(canvas, label_map, list(soft))


def paint_label_vessels(canvas: Canvas, label_map: LabelMap) -> None:
    """Paints the vessels that the map shows."""
    _paint(canvas, label_map, [Tissue.LIVER_VESSEL, Tissue.VENA_CAVA, Tissue.AORTA])


def _paint(canvas: Canvas, label_map: LabelMap, tissues: list[Tissue]) -> None:
    for tissue in tissues:
        for name in _PLAIN[tissue]:
            where = region(canvas, label_map, name)
            if where is not None:
                canvas.paint(where.box, where.distance, tissue)


def paint_bones(canvas: Canvas, label_map: LabelMap, rng: np.random.Generator) -> None:
    """Paints discs between the vertebral bodies, bones with cortex and marrow, and the spinal canal."""
    _paint_discs(canvas, label_map)
    shell = float(rng.uniform(0.8, 1.8))
    for name in BONES:
        bone = region(canvas, label_map, name)
        if bone is not None:
            canvas.paint(bone.box, bone.distance, Tissue.CORTICAL_BONE)
            canvas.paint(bone.box, bone.distance + shell, Tissue.SPONGY_BONE)
    canal = region(canvas, label_map, "spinal_cord")
    if canal is not None:
        canvas.paint(canal.box, canal.distance, Tissue.SPINAL_CANAL)


def _paint_discs(canvas: Canvas, label_map: LabelMap) -> None:
    """Paints the discs: where a vertebra lies within 9 mm above, and one within 9 mm below."""
    names = [name for name in BONES if name.startswith("vertebrae") or name == "sacrum"]
    for upper, lower in pairwise(names):
        if upper not in label_map.boxes or lower not in label_map.boxes:
            continue
        both = [label_map.boxes[name] for name in (upper, lower)]
        part = tuple(slice(min(b[k].start for b in both), max(b[k].stop for b in both)) for k in range(3))
        labels = label_map.labels[part]
        steps = max(1, round(9.0 / label_map.grid.spacing[2]))
        above, below = labels == label_map.classes[upper], labels == label_map.classes[lower]
        reach_down, reach_up = above.copy(), below.copy()
        for _ in range(steps):
            reach_down[:-1] |= reach_down[1:]
            reach_up[1:] |= reach_up[:-1]
        if not (reach_down & reach_up).any():
            continue
        column = np.pad((reach_down & reach_up) | above | below, 1).astype(np.uint8)
        first = label_map.grid.to_points(np.array([s.start - 1 for s in part]))
        origin = (float(first[0]), float(first[1]), float(first[2]))
        padded = LabelMap(column, {"disc": 1}, Grid(column.shape, label_map.grid.spacing, origin))
        where = region(canvas, padded, "disc")
        if where is not None:
            canvas.paint(where.box, where.distance, Tissue.DISC)


def points_inside(rng: np.random.Generator, label_map: LabelMap, name: str, count: int) -> NDArray[np.float64]:
    """Draws points (n, 3) in mm of a class; none if the map does not show it."""
    points = label_map.points(name)
    return points[rng.integers(len(points), size=count)] if len(points) else points
