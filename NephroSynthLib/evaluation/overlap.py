"""How well two kidney segmentations agree, kidney by kidney."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt

from NephroSynthLib.grids import box_around, resample, same_grid

KIDNEYS: dict[str, int] = {"right": 1, "left": 2}
"""Side to label."""


@dataclass(frozen=True)
class Overlap:
    """Agreement of one kidney in two label maps.

    Attributes:
        dice: in [0, 1]; 0 if only one of the two has the kidney.
        mean_surface_distance_mm: mean over both surfaces of the distance to the other; None if one has no such kidney.
        hausdorff95_mm: the 95th percentile of the same distances, likewise.
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
        for side, label in KIDNEYS.items()
        if (a == label).any() or (b == label).any()
    }


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice coefficient of two boolean masks of one shape, in [0, 1]; 1 if both are empty."""
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 2 * int(np.count_nonzero(first & second)) / total if total else 1.0


def _overlap(first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]) -> Overlap:
    if not (first.any() and second.any()):
        return Overlap(0.0, None, None)
    distances = _surface_distances(first, second, spacing)
    return Overlap(dice(first, second), float(distances.mean()), float(np.percentile(distances, 95)))


def _surface_distances(first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distances in mm from each surface voxel of one mask to the surface of the other, both ways."""
    box = box_around(first | second, spacing, max(spacing)).slices
    contours = []
    for mask in (first[box], second[box]):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(spacing)
        contours.append(sitk.LabelContour(image, fullyConnected=True))
    on = [sitk.GetArrayViewFromImage(contour) > 0 for contour in contours]
    far = [distance_transform_edt(~surface, sampling=spacing[::-1]) for surface in on]
    return np.concatenate([far[1][on[0]], far[0][on[1]]])
