"""The inverse of `Grid.to_points`, by which tests find the voxel at a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from NephroSynthLib.simulation.reference_grid import Grid


def to_indices(grid: Grid, points: Any) -> np.ndarray:
    """Returns continuous voxel indices (..., 3), (z, y, x), at LPS points (..., 3), (x, y, z) in mm."""
    continuous = (np.asarray(points, dtype=np.float64) - np.asarray(grid.origin)) / np.asarray(grid.spacing)
    return continuous[..., ::-1]
