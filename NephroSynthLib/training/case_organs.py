"""The organs of a prepared exam whose HU a benchmark compares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.training.pool import PreparedCase

PURE = 0.9
"""Least share of its compartment in a voxel that counts."""
NAMES = {"blood": "arteries", "veins": "veins and organs", "cortex": "cortex", "medulla": "medulla"}
"""Compartments of the kinetics that are organs by themselves, and their names."""


def organ_masks(case: PreparedCase) -> dict[str, NDArray[np.bool_]]:
    """Returns the voxels of each organ, (z, y, x), by name.

    Args:
        case: A case of `synthesis_cases`. A simulated one tells the compartments of its voxels; one of a cohort knows
            its kidneys alone.
    """
    masks = {f"{side} kidney": case["kidneys"] == label for side, label in SIDES.items()}
    if "nephrographic_shares" in case:
        shares = case["nephrographic_shares"]
        masks |= {title: shares[COMPARTMENTS.index(name)] >= PURE * 255 for name, title in NAMES.items()}
    return masks
