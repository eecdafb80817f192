"""The label map of a real patient: its classes, and how it is placed, scaled and mirrored.

The class names are those of TotalSegmentator (Wasserthal et al., Radiology: Artificial Intelligence 2023;5:e230024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.simulation.reference_grid import Grid

Slices = tuple[slice, slice, slice]


@dataclass(frozen=True)
class LabelMap:
    """Labels of a patient on an axis-aligned grid in LPS.

    Attributes:
        labels: (z, y, x) uint8, one value for each class, 0 elsewhere.
        classes: Value of each class name, such as 'kidney_left'.
        grid: The voxels, in LPS mm.
    """

    labels: NDArray[np.uint8]
    classes: Mapping[str, int]
    grid: Grid

    @cached_property
    def boxes(self) -> dict[str, Slices]:
        """Index ranges (z, y, x) of the classes that the map shows."""
        found = ndimage.find_objects(self.labels)
        return {
            name: found[value - 1]
            for name, value in self.classes.items()
            if value <= len(found) and found[value - 1] is not None
        }

    def mask(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Returns (z, y, x) flags that are True at the voxels of these classes."""
        table = np.zeros(256, dtype=bool)
        table[[self.classes[name] for name in names if name in self.classes]] = True
        return np.asarray(table[self.labels])

    def points(self, *names: str) -> NDArray[np.float64]:
        """Returns the voxel centres (n, 3), (x, y, z) in LPS mm, of these classes."""
        parts = []
        for name in names:
            if name in self.boxes:
                box = self.boxes[name]
                inside = np.argwhere(self.labels[box] == self.classes[name])
                parts.append(self.grid.to_points(inside + [s.start for s in box]))
        return np.concatenate(parts) if parts else np.zeros((0, 3))

    def moved(self, origin: NDArray[np.float64]) -> LabelMap:
        """Returns the map in a frame whose origin is at the point `origin` (x, y, z) of this frame."""
        first = np.asarray(self.grid.origin) - origin
        return replace(self, grid=replace(self.grid, origin=(float(first[0]), float(first[1]), float(first[2]))))

    def scaled(self, factors: NDArray[np.float64]) -> LabelMap:
        """Returns the map stretched by one factor each along x, y and z."""
        spacing, origin = (np.asarray(v) * factors for v in (self.grid.spacing, self.grid.origin))
        grid = Grid(
            self.grid.shape,
            (float(spacing[0]), float(spacing[1]), float(spacing[2])),
            (float(origin[0]), float(origin[1]), float(origin[2])),
        )
        return replace(self, grid=grid)

    def mirrored(self) -> LabelMap:
        """Returns the mirror image of the patient, with the names of the sides exchanged."""
        classes = {_other_side(name): value for name, value in self.classes.items()}
        _, _, columns = self.grid.shape
        first = -(self.grid.origin[0] + (columns - 1) * self.grid.spacing[0])
        grid = replace(self.grid, origin=(first, *self.grid.origin[1:]))
        return LabelMap(np.ascontiguousarray(self.labels[:, :, ::-1]), classes, grid)


def _other_side(name: str) -> str:
    if "_left" in name:
        return name.replace("_left", "_right")
    return name.replace("_right", "_left")


def vary(rng: np.random.Generator, label_map: LabelMap) -> LabelMap:
    """Returns the patient stretched by up to a tenth along each axis, and mirrored in one case of seven."""
    size = float(np.exp(rng.normal(0.0, 0.05)))
    factors = np.clip(size * np.exp(rng.normal(0.0, 0.04, 3)), 0.85, 1.18)
    mirrored = rng.random() < 1 / 7
    return (label_map.mirrored() if mirrored else label_map).scaled(factors)
