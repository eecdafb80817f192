"""The region of the dense stage: both phases on one grid around the kidneys, and the voxels that steer the stage.

Excreted contrast, gas and bone that one phase alone shows have no counterpart in the other phase. They do not steer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.registration.geometry import BoolArray, WorkingGrid, extent
from NephroSynthLib.registration.kidney_stage import mask_extent

SPACING_MM = 2.5
REACH_MM = 45.0
FADE_MM = 15.0
_DENSE_HU, _NEARLY_DENSE_HU = 200.0, 160.0
_GAS_HU, _NEARLY_GAS_HU = -250.0, -200.0
_COUNTERPART_MM = 8.0
_AROUND_MM = 5.0


@dataclass(frozen=True)
class DenseRegion:
    """Both phases around the kidneys, on one grid.

    Attributes:
        grid: The kidneys, `REACH_MM` around them, and `FADE_MM` more in which the displacement fades to zero.
        fixed: HU of the fixed phase, (z, y, x).
        moving: HU of the moving phase, resampled by the map of the stages before.
        steers: Voxels of both phases that have a counterpart in the other phase, (z, y, x).
        kidney_distance: Distance in mm from the nearest kidney, (z, y, x).
    """

    grid: WorkingGrid
    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    steers: BoolArray
    kidney_distance: NDArray[np.float64]


def dense_region(
    fixed: sitk.Image, moving: sitk.Image, masks: Sequence[sitk.Image], transform: sitk.Transform
) -> DenseRegion:
    """Samples both phases around the kidneys.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        masks: For each kidney, an image in the fixed frame that is nonzero in it; at least one.
        transform: The map of the stages before; carries fixed points to moving points, LPS mm.
    """
    grid = _grid(fixed, masks)
    values = grid.sample(fixed)
    source = WorkingGrid.between(*extent(moving), SPACING_MM)
    inside = source.image(source.inside(moving).astype(np.float32))
    warped = _resampled(source.image(source.sample(moving)), grid, transform, AIR_HU)
    seen = grid.inside(fixed) & (_resampled(inside, grid, transform, 0.0) > 0.99)
    return DenseRegion(
        grid,
        values,
        warped,
        seen & ~_unmatched(values, warped),
        kidney_distance(grid, masks),
    )


def kidney_distance(grid: WorkingGrid, masks: Sequence[sitk.Image]) -> NDArray[np.float64]:
    """Returns the distance in mm of each voxel of the grid from the nearest of the kidneys, (z, y, x)."""
    kidneys = np.max([grid.sample(mask, outside=0.0) for mask in masks], axis=0) > 0.5
    return np.asarray(ndimage.distance_transform_edt(~kidneys, grid.spacing), dtype=np.float64)


def _grid(fixed: sitk.Image, masks: Sequence[sitk.Image]) -> WorkingGrid:
    """Returns the grid around the kidneys; it reaches beyond the image only as far as the displacement fades."""
    lower, upper = (np.array(corners) for corners in zip(*(mask_extent(mask) for mask in masks), strict=True))
    margin = REACH_MM + FADE_MM
    image_lower, image_upper = extent(fixed)
    return WorkingGrid.between(
        np.maximum(lower.min(axis=0) - margin, image_lower - FADE_MM),
        np.minimum(upper.max(axis=0) + margin, image_upper + FADE_MM),
        SPACING_MM,
    )


def _resampled(image: sitk.Image, grid: WorkingGrid, transform: sitk.Transform, outside: float) -> NDArray[np.float32]:
    like = grid.image(np.zeros(grid.size[::-1], dtype=np.uint8))
    return sitk.GetArrayFromImage(sitk.Resample(image, like, transform, sitk.sitkLinear, outside, sitk.sitkFloat32))


def _unmatched(fixed: NDArray[np.float32], moving: NDArray[np.float32]) -> BoolArray:
    """Marks the surroundings of gas and of dense voxels without their like in the other phase within some mm."""
    found = np.zeros(fixed.shape, dtype=bool)
    for one, other in ((fixed, moving), (moving, fixed)):
        found |= _far_from(one > _DENSE_HU, other > _NEARLY_DENSE_HU)
        found |= _far_from(one < _GAS_HU, other < _NEARLY_GAS_HU)
    if not found.any():
        return found
    return np.asarray(ndimage.distance_transform_edt(~found, SPACING_MM) <= _AROUND_MM)


def _far_from(voxels: BoolArray, others: BoolArray) -> BoolArray:
    if not others.any():
        return voxels
    return np.asarray(voxels & (ndimage.distance_transform_edt(~others, SPACING_MM) > _COUNTERPART_MM))
