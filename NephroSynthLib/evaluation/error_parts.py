"""The parts of an error: a wrong level, wrong structures, a wrong texture; and the HU of organs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import Spacing

GRAIN_MM = 2.0
"""Standard deviation of the Gaussian whose residue counts as texture."""


@dataclass(frozen=True)
class ErrorParts:
    """The error of one region.

    Attributes:
        offset_hu: Mean of synthetic less acquired: a wrong level of the whole region.
        structure_hu: Root mean square of the smooth error about the offset: wrong structures.
        texture_ratio: Spread of the fine grain of the synthetic volume over that of the acquired one: below 1 it is too
            smooth; None where the acquired region has none.
    """

    offset_hu: float
    structure_hu: float
    texture_ratio: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Returns the figures as plain numbers, for JSON."""
        return asdict(self)


def error_parts(
    synthetic: NDArray[np.floating], acquired: NDArray[np.floating], mask: NDArray[np.bool_], spacing: Spacing
) -> ErrorParts:
    """Splits the error of a region.

    Args:
        synthetic: HU, (z, y, x).
        acquired: HU, same shape.
        mask: The region, with at least one voxel. Smoothing does not look beyond it.
        spacing: Voxel size (x, y, z) in mm.
    """
    width = [GRAIN_MM / step for step in spacing[::-1]]
    inside = mask.astype(np.float64)
    weight = ndimage.gaussian_filter(inside, width).clip(1e-6)

    def smooth(hu: NDArray[np.floating]) -> NDArray[np.float64]:
        return ndimage.gaussian_filter(np.where(mask, hu, 0).astype(np.float64), width) / weight

    coarse = smooth(synthetic), smooth(acquired)
    grains = [float((hu - low)[mask].std()) for hu, low in zip((synthetic, acquired), coarse, strict=True)]
    error = (coarse[0] - coarse[1])[mask]
    offset = float((synthetic - acquired)[mask].mean(dtype=np.float64))
    structure = float(np.sqrt(((error - error.mean()) ** 2).mean()))
    return ErrorParts(offset, structure, grains[0] / grains[1] if grains[1] > 1e-3 else None)


def organ_hu(hu: NDArray[np.floating], organs: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Returns the mean HU of each organ that has voxels."""
    return {name: float(hu[mask].mean(dtype=np.float64)) for name, mask in organs.items() if mask.any()}


def hu_correlation(synthetic: Mapping[str, list[float]], acquired: Mapping[str, list[float]]) -> dict[str, float]:
    """Returns Pearson's correlation over exams of each organ's HU.

    Args:
        synthetic: HU of each exam by organ.
        acquired: HU of the same exams by organ.

    Returns:
        A number in [-1, 1] for each organ with three exams or more whose HU differ.
    """
    found = {}
    for name in synthetic.keys() & acquired.keys():
        a, b = np.asarray(synthetic[name]), np.asarray(acquired[name])
        if len(a) >= 3 and min(a.std(), b.std()) > 0:
            found[name] = float(np.corrcoef(a, b)[0, 1])
    return dict(sorted(found.items()))
