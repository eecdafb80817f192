"""The standard deviation of few samples, pooled over neighbouring voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import Spacing

POOLED_MM = 2.0
"""Standard deviation of the Gaussian over which variances are averaged."""


def pooled_deviation(samples: NDArray[np.float32], spacing: Spacing) -> NDArray[np.float32]:
    """Returns the standard deviation of samples in HU, (z, y, x).

    The standard deviation of a few numbers is often far too small, so fewer errors than expected lie within it. The
    variance of a voxel is therefore averaged with those of its neighbours, which keeps its expectation where it is the
    same for all of them.

    Args:
        samples: HU, (sample, z, y, x), two samples or more.
        spacing: Voxel size (x, y, z) in mm.
    """
    width = [POOLED_MM / step for step in spacing[::-1]]
    variance = ndimage.gaussian_filter(samples.var(axis=0, ddof=1), width, mode="nearest")
    return np.sqrt(np.maximum(variance, 0)).astype(np.float32)
