"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math

LARGEST_DB = 100.0
"""PSNR is infinite between equal images. It ends here, so that every figure is a finite number."""


def psnr_db(mean_squared_error: float, data_range: float) -> float:
    """Returns the PSNR in dB, at most 100.

    Args:
        mean_squared_error: In the squared units of the data.
        data_range: Width of the range of values, which is the peak of the signal.

    Example:
        >>> psnr_db(16.0, 400.0)
        40.0
    """
    return min(LARGEST_DB, 10 * math.log10(data_range**2 / max(mean_squared_error, 1e-12)))
