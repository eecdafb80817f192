"""What the synthesizer sees of the two phases; arrays only, shared with training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from NephroSynthLib.window import UPPER_HU, to_window

BRIGHTEST_HU = 3000.0


def condition_channels(noncontrast: np.ndarray, excretory: np.ndarray) -> np.ndarray:
    """Two aligned phases in HU (z, y, x) to the network's condition (3, z, y, x) in [-1, 1].

    The third channel tells how dense the excreted contrast is beyond the window, on a logarithmic scale.
    """
    beyond = np.clip(excretory - UPPER_HU, 0, BRIGHTEST_HU - UPPER_HU)
    dense = 2 * np.log1p(beyond / UPPER_HU) / np.log(BRIGHTEST_HU / UPPER_HU) - 1
    return np.stack([to_window(noncontrast), to_window(excretory), dense]).astype(np.float32)


def spacing_context(spacing: Sequence[float]) -> np.ndarray:
    """Voxel size (x, y, z in mm) as the network's context (3,): its logarithm."""
    return np.log(np.asarray(spacing, np.float32))
