"""The network inputs that methods make of two phases: condition channels and the context of the exam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.imaging.window import UPPER_HU, to_window

CONDITION_CHANNELS, CONTEXT_FEATURES = 3, 5
BRIGHTEST_HU = 3000.0
EXCRETORY_DELAYS_S = (300.0, 900.0)
USUAL_DELAY_S = 600.0
TOLD_SPACING_MM = (1.5, 1.5, 5.0)
"""The voxel size that the network is told of every exam, so that its HU do not depend on the grid.

The bundled model learned from exams of one grid and few injections each, and takes a finer grid for a stronger
enhancement."""


def condition_channels(noncontrast: NDArray[np.float32], excretory: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the condition of two aligned phases: both in the window 400/50, and the dense excreted contrast.

    Args:
        noncontrast: HU (z, y, x).
        excretory: HU (z, y, x) on the same grid.

    Returns:
        Shape (3, z, y, x) in [-1, 1]. The third channel is the density of the excreted contrast beyond the window, on
        a logarithmic scale.
    """
    beyond = np.clip(excretory - UPPER_HU, 0, BRIGHTEST_HU - UPPER_HU)
    dense = 2 * np.log1p(beyond / UPPER_HU) / np.log(BRIGHTEST_HU / UPPER_HU) - 1
    return np.stack([to_window(noncontrast), to_window(excretory), dense]).astype(np.float32)


def exam_context(excretory_delay_s: float | None) -> NDArray[np.float32]:
    """Returns the context of an exam as a whole, for the network: five numbers, float32.

    The enhancement of a kidney at 100 s follows from its enhancement in the excretory phase only together with the
    delay of that phase.

    Args:
        excretory_delay_s: Time from the injection to the excretory phase, limited to the range of the training; None
            if it is not known.

    Returns:
        The logarithms of `TOLD_SPACING_MM`, the logarithm of the delay relative to ten minutes, and 1 if the delay is
        known, else 0.
    """
    shortest, longest = EXCRETORY_DELAYS_S
    delay = USUAL_DELAY_S if excretory_delay_s is None else min(max(excretory_delay_s, shortest), longest)
    known = excretory_delay_s is not None
    return np.array([*np.log(TOLD_SPACING_MM), np.log(delay / USUAL_DELAY_S), known], np.float32)
