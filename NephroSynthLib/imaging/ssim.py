"""Structural similarity of volumes: SSIM (Wang et al., IEEE TIP 2004, eq. 13) and multi-scale SSIM.

The window is a Gaussian of 11 voxels with sigma 1.5; K1 is 0.01 and K2 is 0.03. Values are counted from the lower end
of their range, because the luminance term needs values that are not negative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

RADIUS = 5
_SIGMA, _K1, _K2 = 1.5, 0.01, 0.03
_SLAB = 48
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim_map(first: NDArray[np.floating], second: NDArray[np.floating], data_range: float) -> NDArray[np.float32]:
    """Computes SSIM at every voxel; borders are mirrored.

    Works slab by slab, so that it needs little more memory than its result.

    Args:
        first: Values in [0, data_range], (z, y, x).
        second: Same shape.
        data_range: Width of the range of values.

    Returns:
        SSIM (z, y, x), at most 1.
    """
    result = np.empty(first.shape, np.float32)
    for start in range(0, first.shape[0], _SLAB):
        stop = min(start + _SLAB, first.shape[0])
        low, high = max(0, start - RADIUS), min(first.shape[0], stop + RADIUS)
        result[start:stop] = _ssim(first[low:high], second[low:high], data_range)[start - low : stop - low]
    return result


def ms_ssim(first: NDArray[np.floating], second: NDArray[np.floating], data_range: float) -> float | None:
    """Computes the mean multi-scale SSIM (Wang, Simoncelli, Bovik, 2003, eq. 7) of the axial slices.

    It works on slices, because slices are often too thick for coarser scales along z.

    Args:
        first: Values in [0, data_range], (z, y, x).
        second: Same shape.
        data_range: Width of the range of values.

    Returns:
        A value in [0, 1] over as many of the five scales as fit into the slices, whose weights are scaled to a sum of
        one; None if fewer than two scales fit.
    """
    weights = _fitting_weights(min(first.shape[1:]))
    if weights is None or first.shape[0] == 0:
        return None
    slabs = (slice(start, start + _SLAB) for start in range(0, first.shape[0], _SLAB))
    return float(np.mean(np.concatenate([_ms_ssim(first[slab], second[slab], data_range, weights) for slab in slabs])))


def _ms_ssim(
    first: NDArray[np.floating], second: NDArray[np.floating], data_range: float, weights: tuple[float, ...]
) -> NDArray[np.float64]:
    """Returns one value for each slice: contrast and structure of all scales, luminance of the coarsest; no borders."""
    inner = (slice(None), slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    score = np.ones(first.shape[0])
    for scale, weight in enumerate(weights):
        luminance, structure = _ssim_factors(first, second, data_range, axes=(1, 2))
        coarsest = scale == len(weights) - 1
        mean = (luminance * structure if coarsest else structure)[inner].mean(axis=(1, 2), dtype=np.float64)
        score *= mean.clip(min=0) ** weight
        first, second = _halved(first), _halved(second)
    return score


def _halved(slices: NDArray[np.floating]) -> NDArray[np.floating]:
    """Averages slices over blocks of 2 x 2 pixels."""
    count, rows, columns = slices.shape
    even = slices[:, : rows // 2 * 2, : columns // 2 * 2]
    return even.reshape(count, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))


def _fitting_weights(shortest: int) -> tuple[float, ...] | None:
    """Returns the weights of the scales that fit into slices whose shorter side has so many pixels."""
    for count in range(len(_SCALE_WEIGHTS), 1, -1):
        if shortest // 2 ** (count - 1) > 2 * RADIUS:
            chosen = _SCALE_WEIGHTS[:count]
            return tuple(weight / sum(chosen) for weight in chosen)
    return None


def _ssim(first: NDArray[np.floating], second: NDArray[np.floating], data_range: float) -> NDArray[np.floating]:
    luminance, structure = _ssim_factors(first, second, data_range, axes=(0, 1, 2))
    return luminance * structure


def _ssim_factors(
    first: NDArray[np.floating], second: NDArray[np.floating], data_range: float, axes: tuple[int, ...]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Returns luminance, and contrast times structure, of each voxel in a Gaussian window over some axes."""

    def blur(values: NDArray[np.floating]) -> NDArray[np.floating]:
        return ndimage.gaussian_filter(values, _SIGMA, radius=RADIUS, axes=axes)

    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    mean1, mean2 = blur(first), blur(second)
    squares = mean1 * mean1 + mean2 * mean2
    variances = blur(first * first + second * second) - squares
    covariance = blur(first * second) - mean1 * mean2
    luminance = (2 * mean1 * mean2 + c1) / (squares + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)
