"""What the synthesizer sees of the two phases; arrays only, shared with training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from NephroSynthLib.imaging.window import UPPER_HU, to_window

CONDITION_CHANNELS, CONTEXT_FEATURES = 3, 5
BRIGHTEST_HU = 3000.0
EXCRETORY_DELAYS_S = (300.0, 900.0)
USUAL_DELAY_S = 600.0


def condition_channels(noncontrast: np.ndarray, excretory: np.ndarray) -> np.ndarray:
    """Two aligned phases in HU (z, y, x) to the network's condition (3, z, y, x) in [-1, 1].

    The third channel tells how dense the excreted contrast is beyond the window, on a logarithmic scale.
    """
    beyond = np.clip(excretory - UPPER_HU, 0, BRIGHTEST_HU - UPPER_HU)
    dense = 2 * np.log1p(beyond / UPPER_HU) / np.log(BRIGHTEST_HU / UPPER_HU) - 1
    return np.stack([to_window(noncontrast), to_window(excretory), dense]).astype(np.float32)


def exam_context(spacing: Sequence[float], excretory_delay_s: float | None) -> np.ndarray:
    """What the network is told of an exam as a whole: its context (5,), float32.

    How much a kidney enhanced at 100 s does not follow from how much it still does later, unless it is known how much
    later.

    Args:
        spacing: voxel size x, y, z in mm; the context has its logarithms.
        excretory_delay_s: time from the injection to the excretory phase, taken as the nearest one that training saw;
            None if it is not known. The context has its logarithm relative to ten minutes, and whether it is known.
    """
    shortest, longest = EXCRETORY_DELAYS_S
    delay = USUAL_DELAY_S if excretory_delay_s is None else min(max(excretory_delay_s, shortest), longest)
    return np.array([*np.log(spacing), np.log(delay / USUAL_DELAY_S), excretory_delay_s is not None], np.float32)
