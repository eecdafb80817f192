"""The canvas on which an anatomy is painted: attenuation of all phases, labels and kidney occupancy together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.shapes import Point
from NephroSynthLib.simulation.tissues import Tissue

Distance = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Box:
    """A part of the canvas: index ranges and the coordinates (broadcastable) of its voxel centres in mm."""

    slices: tuple[slice, slice, slice]
    z: Tensor
    y: Tensor
    x: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.z.shape[0], self.y.shape[1], self.x.shape[2]

    @property
    def axes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates along z, y and x in mm."""
        return self.z.flatten(), self.y.flatten(), self.x.flatten()

    def evaluate(self, distance: Distance) -> Tensor:
        """Returns the distance at every voxel, (z, y, x)."""
        return distance(self.x, self.y, self.z).expand(self.shape)

    def evaluate_coarsely(self, distance: Distance, step: float = 4.0) -> Tensor:
        """Returns the distance, interpolated between nodes about `step` mm apart; for shapes much larger than that."""
        nodes = []
        for axis in self.axes:
            first, last = float(axis[0]), float(axis[-1])
            nodes.append(torch.linspace(first, last, max(2, int(np.ceil((last - first) / step)) + 1)))
        values = distance(nodes[2][None, None, :], nodes[1][None, :, None], nodes[0][:, None, None])
        values = values.expand(len(nodes[0]), len(nodes[1]), len(nodes[2]))
        return F.interpolate(values[None, None], size=self.shape, mode="trilinear", align_corners=True)[0, 0]


class Canvas:
    """Paints implicit shapes with soft edges, later ones over earlier ones.

    Args:
        grid: Where the canvas lies in the anatomy frame.
        attenuation: (tissue, phase) HU of each tissue in the non-contrast, nephrographic and excretory phase, and in
            the corticomedullary phase where the exam has one.

    Attributes:
        hu: (phase, z, y, x) float32, attenuation in the phases.
        labels: (z, y, x) uint8 `Tissue` values.
        kidneys: (2, z, y, x) float32 occupancy of the right and the left kidney, 0 to 1.
    """

    def __init__(self, grid: Grid, attenuation: Tensor) -> None:
        self.grid = grid
        self.attenuation = attenuation
        self.z, self.y, self.x = (torch.from_numpy(axis.astype(np.float32)) for axis in grid.axes())
        self.hu = attenuation[Tissue.AIR][:, None, None, None].repeat(1, *grid.shape)
        self.labels = torch.zeros(grid.shape, dtype=torch.uint8)
        self.kidneys = torch.zeros((2, *grid.shape))
        self._kidneys_begun = False
        self.edge = 1.2 * max(grid.spacing[0], grid.spacing[1])

    def box(self, lower: Point, upper: Point) -> Box | None:
        """Returns the voxels between two corners (x, y, z) in mm, with a margin for soft edges; None if none exist."""
        slices = self._slices(lower, upper)
        if slices is None:
            return None
        sz, sy, sx = slices
        return Box(slices, self.z[sz][:, None, None], self.y[sy][None, :, None], self.x[sx][None, None, :])

    def _slices(self, lower: Point, upper: Point) -> tuple[slice, slice, slice] | None:
        """Returns index ranges (z, y, x) between two corners with a margin; None if one has fewer than two voxels."""
        ranges = []
        for k in range(3):
            start, step, count = self.grid.origin[k], self.grid.spacing[k], self.grid.shape[2 - k]
            first = max(0, math.ceil((float(lower[k]) - self.edge - start) / step))
            last = min(count, math.floor((float(upper[k]) + self.edge - start) / step) + 1)
            if last - first < 2:
                return None
            ranges.append(slice(first, last))
        return ranges[2], ranges[1], ranges[0]

    def whole(self) -> Box:
        """Returns the box of the whole canvas."""
        everything = slice(0, None)
        return Box(
            (everything, everything, everything), self.z[:, None, None], self.y[None, :, None], self.x[None, None, :]
        )

    def around(self, centre: Point, radius: float | Point) -> Box | None:
        """Returns the box around a point (x, y, z) with one radius, or one for each axis, in mm."""
        c, r = np.asarray(centre, dtype=float), np.asarray(radius, dtype=float)
        return self.box(c - r, c + r)

    def occupancy(self, distance: Tensor) -> Tensor:
        """Returns the share of a voxel inside a shape: 1 inside, 0 outside, linear across the soft edge."""
        return (0.5 - distance / self.edge).clamp_(0.0, 1.0)

    def paint(
        self,
        box: Box,
        distance: Tensor,
        tissue: Tissue,
        hu: Tensor | None = None,
        where: Tensor | None = None,
        kidney: int | None = None,
    ) -> Tensor:
        """Paints a shape.

        Args:
            box: The voxels.
            distance: (z, y, x) signed distance in mm on the box.
            tissue: Its label.
            hu: Attenuation, (phase,) or (phase, z, y, x), instead of the tissue's own.
            where: (z, y, x) bool or float mask; nothing is painted outside it.
            kidney: 0 or 1 adds the shape to the right or the left kidney; None takes it away from both.

        Returns:
            The occupancy that was painted, (z, y, x).
        """
        alpha = self.occupancy(distance)
        if where is not None:
            alpha = alpha * where
        sz, sy, sx = box.slices
        value = self.attenuation[tissue] if hu is None else hu
        self.hu[:, sz, sy, sx].lerp_(value if value.ndim == 4 else value[:, None, None, None], alpha)
        self.labels[sz, sy, sx].masked_fill_(alpha > 0.5, int(tissue))
        self._claim(box.slices, alpha, kidney)
        return alpha

    def _claim(self, slices: tuple[slice, slice, slice], alpha: Tensor, kidney: int | None) -> None:
        """Gives the painted occupancy to one kidney and take it from the other, or from both."""
        if kidney is not None:
            self._kidneys_begun = True
        if not self._kidneys_begun:
            return
        occupancy = self.kidneys[:, slices[0], slices[1], slices[2]]
        occupancy.mul_(1.0 - alpha)
        if kidney is not None:
            occupancy[kidney].add_(alpha)

    def paint_shape(
        self,
        lower: Point,
        upper: Point,
        distance: Distance,
        tissue: Tissue,
        *,
        coarse: bool = False,
        hu: Tensor | None = None,
        kidney: int | None = None,
    ) -> None:
        """Paints `distance` between two corners; `coarse` for smooth shapes much larger than 4 mm."""
        box = self.box(lower, upper)
        if box is None:
            return
        values = box.evaluate_coarsely(distance) if coarse else box.evaluate(distance)
        self.paint(box, values, tissue, hu=hu, kidney=kidney)

    def paint_tube(
        self,
        points: NDArray[np.floating],
        radii: float | Sequence[float] | NDArray[np.floating],
        tissue: Tissue,
        *,
        hu: Tensor | Callable[[int], Tensor] | None = None,
        where: set[Tissue] | None = None,
        kidney: int | None = None,
    ) -> None:
        """Paints a tube along points (n, 3) with one radius or one for each point, in mm.

        Args:
            points: Its course, (x, y, z) mm.
            radii: Its radius.
            tissue: Its label.
            hu: Attenuation (phase,), or a function of the segment number that gives it.
            where: Paint only over these tissues.
            kidney: As in `paint`.
        """
        radius = np.broadcast_to(np.asarray(radii, dtype=float), (len(points),))
        lookup = None if where is None else _lookup(where)
        for i in range(len(points) - 1):
            value = self.attenuation[tissue] if hu is None else hu(i) if callable(hu) else hu
            self._paint_segment(points[i : i + 2], radius[i : i + 2], tissue, value.numpy(), lookup, kidney)

    def _paint_segment(
        self,
        ends: NDArray[np.floating],
        radii: NDArray[np.floating],
        tissue: Tissue,
        value: NDArray[np.float32],
        where: NDArray[np.bool_] | None,
        kidney: int | None,
    ) -> None:
        """Paints one piece of a tube as `paint` does, in numpy, which is quicker than torch on a few hundred voxels."""
        widest = max(radii[0], radii[1])
        slices = self._slices(np.minimum(ends[0], ends[1]) - widest, np.maximum(ends[0], ends[1]) + widest)
        if slices is None:
            return
        z, y, x = (axis.numpy()[part] for axis, part in zip((self.z, self.y, self.x), slices, strict=True))
        alpha = 0.5 - _cone_distance(x, y[:, None], z[:, None, None], ends, radii) / np.float32(self.edge)
        np.clip(alpha, 0.0, 1.0, out=alpha)
        labels = self.labels.numpy()[slices]
        if where is not None:
            alpha *= where[labels]
        hu = self.hu.numpy()[(slice(None), *slices)]
        hu += alpha * (value[:, None, None, None] - hu)
        labels[alpha > 0.5] = tissue
        self._claim(slices, torch.from_numpy(alpha), kidney)

    def is_one_of(self, box: Box, tissues: set[Tissue]) -> Tensor:
        """Returns a mask (z, y, x) of the voxels of the box that carry one of these labels."""
        return torch.from_numpy(_lookup(tissues)[self.labels[box.slices].numpy()])


def _lookup(tissues: set[Tissue]) -> NDArray[np.bool_]:
    """Returns (256,) flags that are True at the label values of these tissues."""
    table = np.zeros(256, dtype=bool)
    table[[int(t) for t in tissues]] = True
    return table


def _cone_distance(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    z: NDArray[np.float32],
    ends: NDArray[np.floating],
    radii: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Returns the distance (z, y, x) to a segment thickened by a radius that changes linearly along it."""
    axis = (ends[1] - ends[0]).astype(np.float32)
    length2 = np.float32(max(float(axis @ axis), 1e-9))
    dx, dy, dz = (c - np.float32(e) for c, e in zip((x, y, z), ends[0], strict=True))
    along = (dx * (axis[0] / length2) + dy * (axis[1] / length2)) + dz * (axis[2] / length2)
    np.clip(along, 0.0, 1.0, out=along)
    squared = (dx - along * axis[0]) ** 2
    squared += (dy - along * axis[1]) ** 2
    squared += (dz - along * axis[2]) ** 2
    np.sqrt(squared, out=squared)
    along *= np.float32(radii[1] - radii[0])
    squared -= along
    squared -= np.float32(radii[0])
    return squared
