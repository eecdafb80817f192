"""How well two kidney segmentations agree, kidney by kidney."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_distance import compute_average_surface_distance

from NephroSynthLib.imaging.grids import box_around, resample, same_grid
from NephroSynthLib.imaging.sides import SIDES


@dataclass(frozen=True)
class Overlap:
    """Agreement of one kidney in two label maps.

    Attributes:
        dice: in [0, 1]; 0 if only one of the two has the kidney.
        mean_surface_distance_mm: mean over both surfaces of the distance to the other; None if one has no such kidney.
        hausdorff95_mm: the larger of the 95th percentiles of the distances from either surface, likewise.
    """

    dice: float
    mean_surface_distance_mm: float | None
    hausdorff95_mm: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The same as plain numbers, for JSON."""
        return asdict(self)


def kidney_overlap(first: sitk.Image, second: sitk.Image) -> dict[str, Overlap]:
    """Compares two label maps (1 right, 2 left) on the grid of the first.

    Args:
        first: labels, 3D.
        second: labels on any grid; brought onto the first's by nearest neighbour.

    Returns:
        One entry for each side, 'right' or 'left', that at least one of the two has.
    """
    if not same_grid(first, second):
        second = resample(second, first, label=True)
    a, b = sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second)
    return {
        side: _overlap(a == label, b == label, first.GetSpacing())
        for side, label in SIDES.items()
        if (a == label).any() or (b == label).any()
    }


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice coefficient of two boolean masks of one shape, in [0, 1]; 1 if both are empty."""
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 2 * int(np.count_nonzero(first & second)) / total if total else 1.0


def _overlap(first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]) -> Overlap:
    if not (first.any() and second.any()):
        return Overlap(0.0, None, None)
    box = box_around(first | second, spacing, max(spacing)).slices
    one, other = (torch.from_numpy(mask[box])[None, None] for mask in (first, second))
    step = spacing[::-1]
    mean = compute_average_surface_distance(one, other, include_background=True, symmetric=True, spacing=step)
    far = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=step)
    return Overlap(dice(first, second), float(mean), float(far))
