"""Implicit shapes: approximate signed distances in mm, negative inside, of broadcastable coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Point = Sequence[float] | NDArray[np.floating]


def rotation_matrix(about_x: float, about_y: float, about_z: float) -> NDArray[np.float64]:
    """Returns a right-handed rotation (3, 3), first about x, then y, then z; angles in degrees."""
    a, b, c = np.radians([about_x, about_y, about_z])
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


def to_local(x: Tensor, y: Tensor, z: Tensor, centre: Point, rotation: NDArray[np.floating]) -> tuple[Tensor, ...]:
    """Returns coordinates in a frame at `centre` whose axes are the columns of `rotation`."""
    dx, dy, dz = x - float(centre[0]), y - float(centre[1]), z - float(centre[2])
    first, second, third = (
        dx * float(rotation[0, i]) + dy * float(rotation[1, i]) + dz * float(rotation[2, i]) for i in range(3)
    )
    return first, second, third


def superellipsoid(
    x: Tensor,
    y: Tensor,
    z: Tensor,
    centre: Point,
    radii: Point,
    power: float = 2.0,
    rotation: NDArray[np.floating] | None = None,
) -> Tensor:
    """Returns the radial distance to |x/a|^p + |y/b|^p + |z/c|^p = 1; power 2 is an ellipsoid, more is boxier."""
    if rotation is None:
        u, v, w = x - float(centre[0]), y - float(centre[1]), z - float(centre[2])
    else:
        u, v, w = to_local(x, y, z, centre, rotation)
    a, b, c = (float(r) for r in radii)
    if power == 2.0:
        level = ((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2).sqrt()
    else:
        level = ((u / a).abs() ** power + (v / b).abs() ** power + (w / c).abs() ** power) ** (1.0 / power)
    radius = (u**2 + v**2 + w**2).sqrt()
    return torch.where(level > 1e-3, radius * (1.0 - 1.0 / level.clamp(min=1e-3)), radius - min(a, b, c))


def ellipse_cylinder(
    x: Tensor,
    y: Tensor,
    centre: tuple[Tensor | float, Tensor | float],
    radii: tuple[Tensor | float, Tensor | float],
    power: float = 2.0,
) -> Tensor:
    """Returns the radial distance in the axial plane to a superellipse; centre and radii may vary along z.

    On the axis, where the radial distance depends on the direction, it is the smaller radius.
    """
    u, v = x - centre[0], y - centre[1]
    level = ((u / radii[0]).abs() ** power + (v / radii[1]).abs() ** power) ** (1.0 / power)
    radial = (u**2 + v**2).sqrt() * (1.0 - 1.0 / level.clamp(min=1e-3))
    return torch.where(level > 1e-3, radial, -torch.minimum(torch.as_tensor(radii[0]), torch.as_tensor(radii[1])))


def round_cone(
    x: Tensor, y: Tensor, z: Tensor, start: Point, end: Point, start_radius: float, end_radius: float
) -> Tensor:
    """Returns the distance to the segment from start to end, thickened by a radius that changes linearly along it."""
    axis = np.asarray(end, dtype=float) - np.asarray(start, dtype=float)
    length2 = max(float(axis @ axis), 1e-9)
    dx, dy, dz = x - float(start[0]), y - float(start[1]), z - float(start[2])
    t = ((dx * float(axis[0]) + dy * float(axis[1]) + dz * float(axis[2])) / length2).clamp(0.0, 1.0)
    ex, ey, ez = dx - t * float(axis[0]), dy - t * float(axis[1]), dz - t * float(axis[2])
    return (ex**2 + ey**2 + ez**2).sqrt() - (start_radius + (end_radius - start_radius) * t)


def smooth_union(a: Tensor, b: Tensor, blend: float) -> Tensor:
    """Returns the union of two signed distances with a fillet of about `blend` mm (polynomial smooth minimum)."""
    h = (blend - (a - b).abs()).clamp(min=0.0) / blend
    return torch.minimum(a, b) - h * h * blend * 0.25


def smooth_intersection(a: Tensor, b: Tensor, blend: float) -> Tensor:
    """Returns the intersection of two signed distances with an edge rounded by about `blend` mm."""
    return -smooth_union(-a, -b, blend)


def curve(points: NDArray[np.floating], step: float = 6.0) -> NDArray[np.float64]:
    """Returns points about `step` mm apart on the Catmull-Rom spline through `points` (n, 3)."""
    p = np.asarray(points, dtype=float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    pieces = []
    for p0, p1, p2, p3 in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        t = np.linspace(0.0, 1.0, max(2, int(np.ceil(np.linalg.norm(p2 - p1) / step)) + 1))[:-1, None]
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return np.vstack([*pieces, p[-2][None]])
