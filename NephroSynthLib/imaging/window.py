"""The CT window of dsSNICT (arXiv 2502.19623): width 400 HU, level 50 HU, that is [-150, 250] HU to [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Values = TypeVar("Values", "NDArray[np.floating]", "torch.Tensor")

WIDTH_HU = 400.0
LEVEL_HU = 50.0
LOWER_HU = LEVEL_HU - WIDTH_HU / 2
UPPER_HU = LEVEL_HU + WIDTH_HU / 2


def to_window(hu: Values) -> Values:
    """Converts HU of any shape to the unit range of the window, clipped to [-1, 1]."""
    return ((hu - LEVEL_HU) / (WIDTH_HU / 2)).clip(-1, 1)


def from_window(unit: Values) -> Values:
    """Converts values of any shape from the unit range [-1, 1] to HU in [-150, 250]; the inverse of `to_window`."""
    return unit * (WIDTH_HU / 2) + LEVEL_HU
