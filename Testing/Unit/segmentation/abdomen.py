"""A body of fat with a spine, into which tests put organs; voxels of 3 mm, axes superior, posterior, left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHAPE, SPACING = (64, 60, 100), 3.0
FAT_HU, BONE_HU, KIDNEY_HU = -100.0, 400.0, 90.0
GRID = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))


class Abdomen:
    """A CT and the probability that a network gives; the midline is at column 50."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        body = ellipsoid((32, 30, 50), (200, 25, 45))
        self.hu: NDArray[np.floating] = np.where(body, FAT_HU, -1000.0) + rng.normal(0, 5, SHAPE)
        self.hu[ellipsoid((32, 42, 50), (200, 5, 5))] = BONE_HU
        self.probability: NDArray[np.floating] = np.zeros(SHAPE)

    def add(self, mask: NDArray[np.bool_], hu: float = KIDNEY_HU, probability: float = 0.93) -> NDArray[np.bool_]:
        """Puts an organ into the body that the network takes for kidney with a probability."""
        self.hu[mask] = hu + np.random.default_rng(1).normal(0, 10, int(mask.sum()))
        self.probability[mask] = probability
        return mask


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Returns an ellipsoid in voxels (z, y, x)."""
    offsets = [(axis - c) / r for axis, c, r in zip(GRID, centre, radii, strict=True)]
    return np.asarray(sum(offset**2 for offset in offsets) <= 1)


def right_kidney(centre: tuple[float, float, float] = (31, 38, 30)) -> NDArray[np.bool_]:
    """Returns a kidney of about 140 ml, 60 mm from the midline."""
    return ellipsoid(centre, (18, 8.5, 8))


def left_kidney(centre: tuple[float, float, float] = (33, 38, 70)) -> NDArray[np.bool_]:
    """Returns the mirrored kidney, a little higher."""
    return ellipsoid(centre, (18, 8.5, 8))
