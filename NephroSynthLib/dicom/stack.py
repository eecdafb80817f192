"""The geometry of slices: their order, their regularity and the grid of their volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIDEWAYS_TOLERANCE_MM = 1.0


@dataclass(frozen=True)
class Plane:
    """The place of a slice (DICOM PS3.3 C.7.6.2): centre of its first voxel, row and column direction, LPS mm."""

    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]
    size: tuple[int, int]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Row direction x column direction, unit length."""
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return np.asarray(normal / np.linalg.norm(normal))

    def parallel(self, other: Plane) -> bool:
        """Tells whether both slices have the same size, voxel size and orientation and so can be in one stack."""
        return (
            self.size == other.size
            and np.allclose(self.spacing, other.spacing, rtol=1e-3)
            and np.allclose(self.orientation, other.orientation, atol=2e-3)
        )


@dataclass(frozen=True)
class Stack:
    """The grid of a volume: size and spacing (x, y, z), origin (LPS mm), direction (3x3, row-major)."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]


def heights(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Returns the positions of parallel slices along their common normal, mm."""
    return np.asarray(np.array([plane.position for plane in planes]) @ planes[0].normal)


def irregularity(planes: Sequence[Plane]) -> str | None:
    """Returns why parallel slices, sorted by height, make no regular volume; None if they do."""
    if len(planes) < 2:
        return "a single slice"
    gaps = np.diff(heights(planes))
    typical = float(np.median(gaps))
    if (gaps < 0.01).any():
        return f"several images at the same position ({int((gaps < 0.01).sum())} times)"
    offsets = np.array([plane.position for plane in planes]) - planes[0].position
    normal = planes[0].normal
    along = offsets @ normal
    sideways = offsets - np.outer(along, normal)
    linear = np.linspace(0, 1, len(planes))
    uneven = np.abs(along - linear * along[-1])
    if uneven.max() > max(0.1, 0.05 * typical):
        missing = np.rint(gaps / typical).astype(int) - 1
        whole = np.abs(gaps - (missing + 1) * typical).max() <= max(0.1, 0.05 * typical)
        if whole and missing.any():
            after = ", ".join(str(i + 1) for i in np.flatnonzero(missing)[:3])
            return f"missing slices ({int(missing.sum())} after slice {after})"
        return f"irregular slice spacing ({gaps.min():.2f} to {gaps.max():.2f} mm)"
    if np.linalg.norm(sideways - np.outer(linear, sideways[-1]), axis=1).max() > _SIDEWAYS_TOLERANCE_MM:
        return "slices shifted sideways"
    drift = float(np.linalg.norm(sideways[-1]))
    if drift > _SIDEWAYS_TOLERANCE_MM:
        return f"gantry tilt of {math.degrees(math.atan2(drift, along[-1])):.1f} degrees"
    return None


def stack_of(planes: Sequence[Plane]) -> Stack:
    """Returns the grid of parallel slices that are sorted by height and regular (`irregularity` is None)."""
    first = planes[0]
    row, normal = np.array(first.orientation[:3]), first.normal
    row = row / np.linalg.norm(row)
    direction = np.stack([row, np.cross(normal, row), normal], axis=1)
    height = heights(planes)
    return Stack(
        (first.size[0], first.size[1], len(planes)),
        (first.spacing[0], first.spacing[1], float(height[-1] - height[0]) / (len(planes) - 1)),
        first.position,
        tuple(float(cosine) for cosine in direction.ravel()),
    )
