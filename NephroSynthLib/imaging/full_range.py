"""All HU that 12 bits can hold: [-1024, 3071] HU to [-1, 1] (ASCII, Jeong et al. 2023, section 3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.imaging.grids import AIR_HU

MOST_HU = 3071.0
HALF_RANGE_HU = (MOST_HU - AIR_HU) / 2
"""HU of one unit of [-1, 1]."""


def to_full_range(hu: NDArray[np.floating]) -> NDArray[np.float32]:
    """Converts HU of any shape to the unit range of 12 bits, clipped to [-1, 1]."""
    return ((hu.clip(AIR_HU, MOST_HU) - AIR_HU) / HALF_RANGE_HU - 1).astype(np.float32)


def from_full_range(unit: NDArray[np.floating]) -> NDArray[np.float32]:
    """Converts values of any shape from the unit range to HU in [-1024, 3071]; the inverse of `to_full_range`."""
    return ((unit.clip(-1, 1) + 1) * HALF_RANGE_HU + AIR_HU).astype(np.float32)
