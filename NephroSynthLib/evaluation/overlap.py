"""Agreement of two kidney segmentations, kidney by kidney."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import Spacing, box_around, on_grid
from NephroSynthLib.imaging.sides import SIDES


@dataclass(frozen=True)
class Overlap:
    """Agreement of one kidney in two label maps.

    Attributes:
        dice: Dice coefficient in [0, 1]; 0 if one label map lacks the kidney.
        mean_surface_distance_mm: Mean over both surfaces of the distance to the other; None if one lacks the kidney.
        hausdorff95_mm: The larger of the 95th percentiles of the distances from either surface; None likewise.
    """

    dice: float
    mean_surface_distance_mm: float | None
    hausdorff95_mm: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Returns the figures as plain numbers, for JSON."""
        return asdict(self)


def kidney_overlap(first: sitk.Image, second: sitk.Image) -> dict[str, Overlap]:
    """Compares two label maps (1 right, 2 left) on the grid of the first.

    Args:
        first: Labels, 3D.
        second: Labels on any grid; brought onto that of `first` by nearest neighbour.

    Returns:
        One entry for each side, 'right' or 'left', that at least one of the two label maps has.
    """
    second = on_grid(second, first, label=True)
    a, b = sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second)
    return {
        side: _overlap(a == label, b == label, first.GetSpacing())
        for side, label in SIDES.items()
        if (a == label).any() or (b == label).any()
    }


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: Spacing) -> Overlap:
    if not (first.any() and second.any()):
        return Overlap(0.0, None, None)
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.surface_distance import compute_average_surface_distance

    box = box_around(first | second, spacing, max(spacing)).slices
    one, other = (torch.from_numpy(mask[box])[None, None] for mask in (first, second))
    step = spacing[::-1]
    mean = compute_average_surface_distance(one, other, include_background=True, symmetric=True, spacing=step)
    far = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=step)
    return Overlap(dice(first, second), float(mean), float(far))
