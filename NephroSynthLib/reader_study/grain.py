"""The noise of a slice, and equal noise in two slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0  # root of the sum of the squares of _MASK
_TISSUE_HU = -200.0


def noise_sd(hu: NDArray[np.float32], tissue: NDArray[np.bool_]) -> float:
    """Estimates the standard deviation of the noise of a slice.

    The mask of Immerkaer (1996) removes all that varies linearly. The median of its absolute response leaves edges out.

    Args:
        hu: HU (y, x).
        tissue: Pixels (y, x) to measure in.

    Returns:
        HU; 0 where there is no tissue.
    """
    response = ndimage.convolve(hu, _MASK, mode="nearest")[tissue]
    return float(np.median(np.abs(response)) / (_GAIN * stats.norm.ppf(0.75))) if response.size else 0.0


def with_equal_noise(
    first: NDArray[np.float32], second: NDArray[np.float32], generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Adds white noise to the smoother one of two slices, so that both have the same noise.

    Args:
        first: HU (y, x).
        second: HU (y, x) of the same place.
        generator: Draws the noise.
    """
    tissue = (first > _TISSUE_HU) & (second > _TISSUE_HU)
    missing = noise_sd(second, tissue) ** 2 - noise_sd(first, tissue) ** 2
    noise = (generator.standard_normal(first.shape) * np.sqrt(abs(missing))).astype(np.float32)
    return (first + noise, second) if missing > 0 else (first, second + noise)
