"""Stage 2: the rigid motion of one kidney, which starts at the affine map; the metric covers the rim of the kidney.

Both phases show the border between the kidney and the fat around it. So HU become a soft membership in [0, 1] of tissue
as opposed to fat, which enhancement does not change. The metric covers a shell at the border of the fixed kidney. It
excludes iodine in pelvis, calyces and ureter, which one phase alone shows, and also bone and bowel gas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage, special

from NephroSynthLib.imaging.grids import index_to_world
from NephroSynthLib.registration.geometry import BoolArray, FloatArray, WorkingGrid, apply, matrix_of

SPACING_MM = 2.0
INSIDE_MM, OUTSIDE_MM = 4.0, 6.0
REACH_MM = 30.0
Z_STARTS_MM = (-24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0)
LARGEST_MOVE_MM, LARGEST_TURN_DEG = 40.0, 20.0
_FAT_TO_TISSUE_HU, _SOFTNESS_HU = -30.0, 15.0
_DENSE_HU, _GAS_HU = 200.0, -200.0
_STARTS_TRIED = 2
_SAMPLED, _SEED = 0.2, 20250226
_FEWEST_RIM_VOXELS = 500
_MATCHED_SHARE = 0.5
"""A rim matches if the maps leave less than this share of the variance of its tissue membership."""


@dataclass(frozen=True)
class KidneyMotion:
    """The motion of one kidney that stage 2 found.

    Attributes:
        matrix: 4x4 map of fixed to moving points, LPS mm; the affine map of stage 1 when rejected, or when it matches
            already and no motion does better.
        rejected: Reason why stage 2 was not used for this kidney; empty if it was.
    """

    matrix: FloatArray
    rejected: str = ""


@dataclass(frozen=True)
class _Moving:
    """The moving phase around a kidney: membership of tissue, and the voxels that count."""

    tissue: NDArray[np.float32]
    valid: BoolArray
    grid: WorkingGrid


def register_kidney(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_mask: sitk.Image,
    moving_mask: sitk.Image | None,
    affine: FloatArray,
    start: FloatArray | None = None,
) -> KidneyMotion:
    """Finds the rigid motion of one kidney.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        fixed_mask: Nonzero in this kidney, in the frame of `fixed`, on any grid.
        moving_mask: The same kidney in the frame of `moving`; None if not known.
        affine: 4x4 map of stage 1, fixed to moving points.
        start: 4x4 map to start from, where the kidney was placed by hand. None to try starts of all kinds.
    """
    lower, upper = mask_extent(fixed_mask)
    grid = WorkingGrid.between(lower - OUTSIDE_MM - 2, upper + OUTSIDE_MM + 2, SPACING_MM)
    mask = grid.sample(fixed_mask, outside=0.0) > 0.5
    hu = grid.sample(fixed)
    rim = _rim(mask, SPACING_MM) & _countable(hu, SPACING_MM) & grid.inside(fixed)
    if rim.sum() < _FEWEST_RIM_VOXELS:
        return KidneyMotion(affine, "too little of its rim lies in the image")
    base = affine if start is None else start
    around = _surroundings(moving, base, grid)
    center = grid.points()[mask].mean(axis=0)
    starts = _starts(affine, center, moving_mask) if start is None else [nearest_rigid(start, center)]
    points, tissue = grid.points()[rim], _tissue(hu)

    def mismatch(matrix: FloatArray) -> float:
        return _mismatch(matrix, points, tissue[rim], around)

    seen = sorted((start for start in starts if np.isfinite(mismatch(start))), key=mismatch)
    if not seen:
        return KidneyMotion(affine, "the moving phase does not show its place")
    coarse = [_optimize(start, center, tissue, rim, grid, around, sigma=3.0) for start in seen[:_STARTS_TRIED]]
    best = _optimize(min(coarse, key=mismatch), center, tissue, rim, grid, around, sigma=0.0)
    left = mismatch(affine)
    if mismatch(best) >= left:
        matched = left < _MATCHED_SHARE * float(np.var(tissue[rim]))
        return KidneyMotion(affine, "" if matched else "no rigid motion matched its rim")
    move, turn = _size_of(best @ np.linalg.inv(base), apply(base, center))
    if move > LARGEST_MOVE_MM or turn > LARGEST_TURN_DEG:
        return KidneyMotion(affine, f"it would have moved by {move:.0f} mm and turned by {turn:.0f} degrees")
    return KidneyMotion(best)


def mask_extent(mask: sitk.Image) -> tuple[FloatArray, FloatArray]:
    """Returns the lower and upper corner of the LPS box around the nonzero voxels of a mask."""
    points = mask_points(mask)
    return points.min(axis=0), points.max(axis=0)


def nearest_rigid(matrix: FloatArray, center: FloatArray) -> FloatArray:
    """Returns the rigid map with the rotation of `matrix` and its image of `center` (polar decomposition)."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    rigid = np.eye(4)
    rigid[:3, :3] = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    rigid[:3, 3] = apply(matrix, center) - rigid[:3, :3] @ center
    return rigid


def mask_points(mask: sitk.Image) -> FloatArray:
    """Returns the centres of the nonzero voxels of a mask, (N, 3) LPS mm."""
    z, y, x = np.nonzero(sitk.GetArrayViewFromImage(mask))
    return apply(index_to_world(mask), np.stack([x, y, z], axis=-1).astype(np.float64))


def _tissue(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the membership of tissue, as opposed to fat and gas, in [0, 1]; enhancement does not change it."""
    return np.asarray(special.expit((hu - _FAT_TO_TISSUE_HU) / _SOFTNESS_HU), dtype=np.float32)


def _rim(mask: BoolArray, spacing: float) -> BoolArray:
    inside = ndimage.distance_transform_edt(mask, spacing)
    outside = ndimage.distance_transform_edt(~mask, spacing)
    return np.asarray((inside <= INSIDE_MM) & (outside <= OUTSIDE_MM))


def _countable(hu: NDArray[np.float32], spacing: float) -> BoolArray:
    """Marks the voxels that are more than 3 mm away from bone, dense contrast, and gas."""
    excluded = (hu > _DENSE_HU) | (hu < _GAS_HU)
    return np.asarray(ndimage.distance_transform_edt(~excluded, spacing) > 3.0) if excluded.any() else ~excluded


def _surroundings(moving: sitk.Image, affine: FloatArray, grid: WorkingGrid) -> _Moving:
    reached = apply(affine, grid.points().reshape(-1, 3))
    around = WorkingGrid.between(reached.min(axis=0) - REACH_MM, reached.max(axis=0) + REACH_MM, grid.spacing)
    hu = around.sample(moving)
    return _Moving(_tissue(hu), _countable(hu, grid.spacing) & around.inside(moving), around)


def _starts(affine: FloatArray, center: FloatArray, moving_mask: sitk.Image | None) -> list[FloatArray]:
    """Returns the affine map and the map that brings the centroids together, each shifted along z."""
    rigid = nearest_rigid(affine, center)
    bases = [rigid]
    if moving_mask is not None:
        moved = rigid.copy()
        moved[:3, 3] += mask_points(moving_mask).mean(axis=0) - apply(rigid, center)
        bases.append(moved)
    shifts = [np.array([0.0, 0.0, z]) for z in Z_STARTS_MM]
    return [_shifted(base, shift) for base in bases for shift in shifts]


def _shifted(matrix: FloatArray, shift: FloatArray) -> FloatArray:
    moved = matrix.copy()
    moved[:3, 3] += shift
    return moved


def _mismatch(matrix: FloatArray, points: FloatArray, tissue: NDArray[np.float32], around: _Moving) -> float:
    """Returns the mean squared difference of tissue over the visible rim; infinity if less than half is visible."""
    indices = around.grid.indices(apply(matrix, points))
    valid = ndimage.map_coordinates(around.valid.astype(np.float32), indices, order=1, cval=0.0) > 0.5
    if valid.mean() < 0.5:
        return float("inf")
    seen = ndimage.map_coordinates(around.tissue, indices[:, valid], order=1)
    return float(np.mean((seen - tissue[valid]) ** 2))


def _optimize(
    start: FloatArray,
    center: FloatArray,
    tissue: NDArray[np.float32],
    rim: BoolArray,
    grid: WorkingGrid,
    around: _Moving,
    sigma: float,
) -> FloatArray:
    """Refines a rigid map on volumes smoothed by `sigma` mm; returns it unchanged if ITK loses the overlap."""
    motion = sitk.Euler3DTransform()
    motion.SetCenter(center.tolist())
    motion.SetMatrix(start[:3, :3].ravel().tolist(), 1e-6)
    motion.SetTranslation((apply(start, center) - center).tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(_SAMPLED, _SEED)
    method.SetMetricFixedMask(grid.image(rim.astype(np.uint8)))
    method.SetMetricMovingMask(around.grid.image(around.valid.astype(np.uint8)))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, 60, gradientMagnitudeTolerance=1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([1])
    method.SetSmoothingSigmasPerLevel([sigma])
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(True)
    method.SetInitialTransform(motion, inPlace=True)
    try:
        method.Execute(grid.image(tissue), around.grid.image(around.tissue))
    except RuntimeError:
        return start
    return matrix_of(motion)


def _size_of(motion: FloatArray, center: FloatArray) -> tuple[float, float]:
    """Returns the shift of `center` in mm and the rotation in degrees of a map close to a rigid one."""
    rotation = nearest_rigid(motion, center)[:3, :3]
    angle = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0)))
    return float(np.linalg.norm(apply(motion, center) - center)), float(angle)
