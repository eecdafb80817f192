"""The mean around each voxel of a volume that comes a few slices at a time."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_LEAST_SHARE = 1e-3


class LocalMean:
    """The mean of the valid values around each voxel, with the weights of a Gaussian.

    The volume is never held as a whole: its slices are summed in blocks that are no larger than the standard deviation
    of the Gaussian. The sums are smoothed, and are interpolated linearly.

    Args:
        shape: The size of the volume (z, y, x).
        spacing: Voxel size (x, y, z) in mm.
        sigma_mm: The standard deviation of the Gaussian, the same along all axes.

    Example:
        >>> mean = LocalMean((1, 1, 3), (1.0, 1.0, 1.0), 100.0)
        >>> mean.add(0, np.array([[[1.0, 5.0, 6.0]]]), np.array([[[True, True, False]]]))
        >>> mean[0:1]
        array([[[3., 3., 3.]]], dtype=float32)
    """

    def __init__(self, shape: tuple[int, ...], spacing: tuple[float, ...], sigma_mm: float) -> None:
        steps = tuple(reversed(spacing))
        self._shape = shape
        self._strides = [max(1, min(size, int(sigma_mm / step))) for size, step in zip(shape, steps, strict=True)]
        self._sigmas = [
            # a block and the interpolation between blocks smooth, too: variances of 1/12 and 1/6 of its square
            np.sqrt(max(0.0, (sigma_mm / (stride * step)) ** 2 - (0.25 if stride > 1 else 0.0)))
            for stride, step in zip(self._strides, steps, strict=True)
        ]
        blocks = [-(-size // stride) for size, stride in zip(shape, self._strides, strict=True)]
        self._sums = np.zeros((2, *blocks), np.float32)

    def add(self, first: int, values: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Adds slices. All slices are added before the first mean is asked for.

        Args:
            first: The index of the first slice.
            values: The slices (z, y, x).
            valid: The values that count.
        """
        _, height, width = self._shape
        columns = np.arange(0, width, self._strides[2])
        rows = np.arange(0, height, self._strides[1])
        for sums, part in zip(self._sums, (np.where(valid, values, 0), valid), strict=True):
            across = np.add.reduceat(part, columns, axis=2, dtype=np.float32)
            blocks = np.add.reduceat(across, rows, axis=1)
            for index, block in enumerate(blocks, first):
                sums[index // self._strides[0]] += block

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        """The means of the voxels (z, y, x) of some slices. 0 where no valid value is near."""
        found = self._means
        spans = (np.arange(part.start, part.stop), *(np.arange(size) for size in self._shape[1:]))
        for axis, (indices, stride) in enumerate(zip(spans, self._strides, strict=True)):
            found = _between(found, axis, (indices + 0.5) / stride - 0.5)
        return found

    @cached_property
    def _means(self) -> NDArray[np.float32]:
        sums, counts = (ndimage.gaussian_filter(each, self._sigmas, mode="constant") for each in self._sums)
        enough = counts > _LEAST_SHARE
        return np.divide(sums, counts, out=np.zeros_like(sums), where=enough)


def _between(values: NDArray[np.float32], axis: int, places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolates linearly along an axis. Beyond the ends, the values stay those of the ends."""
    places = np.clip(places, 0, values.shape[axis] - 1)
    lower = places.astype(int)
    upper = np.minimum(lower + 1, values.shape[axis] - 1)
    share = (places - lower).astype(np.float32)
    if not share.any():
        return values.take(lower, axis)
    share = share.reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    return values.take(lower, axis) * (1 - share) + values.take(upper, axis) * share
