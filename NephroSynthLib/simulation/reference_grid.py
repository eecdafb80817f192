"""The regular grid on which a volume is sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """An axis-aligned voxel grid in the LPS frame (identity direction).

    Args:
        shape: Voxels along (z, y, x), the shape of an array on this grid.
        spacing: Voxel size along (x, y, z) in mm.
        origin: Centre of the first voxel, (x, y, z) in LPS mm.

    Raises:
        ValueError: If a size is below one voxel or a spacing is not positive.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"a grid needs at least one voxel along each axis, got shape {self.shape}")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing):
            raise ValueError(f"spacing must be positive and finite, got {self.spacing} mm")

    @property
    def extent(self) -> tuple[float, float, float]:
        """Distance in mm between the first and the last voxel centre along (x, y, z)."""
        nz, ny, nx = self.shape
        return (nx - 1) * self.spacing[0], (ny - 1) * self.spacing[1], (nz - 1) * self.spacing[2]

    @property
    def centre(self) -> tuple[float, float, float]:
        """Physical centre of the grid, (x, y, z) in LPS mm."""
        (ox, oy, oz), (ex, ey, ez) = self.origin, self.extent
        return ox + ex / 2, oy + ey / 2, oz + ez / 2

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Returns the coordinates of the voxel centres along z, y and x in LPS mm."""
        z, y, x = (
            np.asarray(o + s * np.arange(n), dtype=np.float64)
            for o, s, n in zip(self.origin[::-1], self.spacing[::-1], self.shape, strict=True)
        )
        return z, y, x

    def to_points(self, indices: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
        """Returns LPS points (..., 3), (x, y, z) in mm, at voxel indices (..., 3), (z, y, x)."""
        return np.asarray(indices, dtype=np.float64)[..., ::-1] * np.asarray(self.spacing) + np.asarray(self.origin)
