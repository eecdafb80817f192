"""Stage 2: one kidney on its own, rigidly, from the affine map; the metric looks at the kidney's rim only.

What both phases share is the kidney's border with the fat around it. So HU become a soft "is it tissue, not fat" in
[0, 1], which enhancement does not change, and the metric is taken over a shell at the border of the fixed kidney, where
iodine in pelvis, calyces and ureter (one phase only), bone and bowel gas are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi
import SimpleITK as sitk
from scipy.special import expit

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


@dataclass(frozen=True)
class KidneyMotion:
    """Where stage 2 puts one kidney.

    Attributes:
        matrix: 4x4 map of fixed to moving points, LPS mm; the affine map of stage 1 when rejected.
        rejected: Why stage 2 was not used for this kidney; empty when it was.
    """

    matrix: FloatArray
    rejected: str = ""


@dataclass(frozen=True)
class _Moving:
    """The moving phase around a kidney: tissue membership, and where it counts."""

    tissue: npt.NDArray[np.float32]
    valid: BoolArray
    grid: WorkingGrid


def register_kidney(
    fixed: sitk.Image, moving: sitk.Image, fixed_mask: sitk.Image, moving_mask: sitk.Image | None, affine: FloatArray
) -> KidneyMotion:
    """Finds the rigid motion of one kidney.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        fixed_mask: Nonzero in this kidney, in the frame of `fixed`, on any grid.
        moving_mask: The same kidney in the frame of `moving`; None if not known.
        affine: 4x4 map of stage 1, fixed to moving points.
    """
    lower, upper = mask_extent(fixed_mask)
    grid = WorkingGrid.between(lower - OUTSIDE_MM - 2, upper + OUTSIDE_MM + 2, SPACING_MM)
    mask = grid.sample(fixed_mask, outside=0.0) > 0.5
    hu = grid.sample(fixed)
    rim = _rim(mask, SPACING_MM) & _countable(hu, SPACING_MM) & grid.inside(fixed)
    if rim.sum() < _FEWEST_RIM_VOXELS:
        return KidneyMotion(affine, "too little of its rim lies in the image")
    around = _surroundings(moving, affine, grid)
    center = grid.points()[mask].mean(axis=0)
    starts = _starts(affine, center, moving_mask)
    points, tissue = grid.points()[rim], _tissue(hu)

    def mismatch(matrix: FloatArray) -> float:
        return _mismatch(matrix, points, tissue[rim], around)

    seen = sorted((start for start in starts if np.isfinite(mismatch(start))), key=mismatch)
    if not seen:
        return KidneyMotion(affine, "the moving phase does not show its place")
    coarse = [_optimize(start, center, tissue, rim, grid, around, sigma=3.0) for start in seen[:_STARTS_TRIED]]
    best = _optimize(min(coarse, key=mismatch), center, tissue, rim, grid, around, sigma=0.0)
    if mismatch(best) >= mismatch(affine):
        return KidneyMotion(affine, "no rigid motion matched its rim better than the affine map")
    move, turn = _size_of(best @ np.linalg.inv(affine), apply(affine, center))
    if move > LARGEST_MOVE_MM or turn > LARGEST_TURN_DEG:
        return KidneyMotion(affine, f"it would have moved by {move:.0f} mm and turned by {turn:.0f} degrees")
    return KidneyMotion(best)


def mask_extent(mask: sitk.Image) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corner of the LPS box around the nonzero voxels of a mask."""
    points = mask_points(mask)
    return points.min(axis=0), points.max(axis=0)


def nearest_rigid(matrix: FloatArray, center: FloatArray) -> FloatArray:
    """The rigid map that takes `center` where `matrix` does and turns as it does (polar decomposition)."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    rigid = np.eye(4)
    rigid[:3, :3] = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    rigid[:3, 3] = apply(matrix, center) - rigid[:3, :3] @ center
    return rigid


def mask_points(mask: sitk.Image) -> FloatArray:
    """Centres of the nonzero voxels of a mask, (N, 3) LPS mm."""
    z, y, x = np.nonzero(sitk.GetArrayViewFromImage(mask))
    return apply(index_to_world(mask), np.stack([x, y, z], axis=-1).astype(np.float64))


def _tissue(hu: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How much of a voxel is tissue and not fat or gas, in [0, 1], whatever its enhancement."""
    return np.asarray(expit((hu - _FAT_TO_TISSUE_HU) / _SOFTNESS_HU), dtype=np.float32)


def _rim(mask: BoolArray, spacing: float) -> BoolArray:
    inside = ndi.distance_transform_edt(mask, spacing)
    outside = ndi.distance_transform_edt(~mask, spacing)
    return np.asarray((inside <= INSIDE_MM) & (outside <= OUTSIDE_MM))


def _countable(hu: npt.NDArray[np.float32], spacing: float) -> BoolArray:
    """Voxels at least 3 mm away from bone, dense contrast, and gas."""
    excluded = (hu > _DENSE_HU) | (hu < _GAS_HU)
    return np.asarray(ndi.distance_transform_edt(~excluded, spacing) > 3.0) if excluded.any() else ~excluded


def _surroundings(moving: sitk.Image, affine: FloatArray, grid: WorkingGrid) -> _Moving:
    reached = apply(affine, grid.points().reshape(-1, 3))
    around = WorkingGrid.between(reached.min(axis=0) - REACH_MM, reached.max(axis=0) + REACH_MM, grid.spacing)
    hu = around.sample(moving)
    return _Moving(_tissue(hu), _countable(hu, grid.spacing) & around.inside(moving), around)


def _starts(affine: FloatArray, center: FloatArray, moving_mask: sitk.Image | None) -> list[FloatArray]:
    """The affine map and the one that brings the centroids together, each shifted along z."""
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


def _mismatch(matrix: FloatArray, points: FloatArray, tissue: npt.NDArray[np.float32], around: _Moving) -> float:
    """Mean squared difference of tissue over the part of the rim that `around` shows; infinite below a half of it."""
    indices = around.grid.indices(apply(matrix, points))
    valid = ndi.map_coordinates(around.valid.astype(np.float32), indices, order=1, cval=0.0) > 0.5
    if valid.mean() < 0.5:
        return float("inf")
    seen = ndi.map_coordinates(around.tissue, indices[:, valid], order=1)
    return float(np.mean((seen - tissue[valid]) ** 2))


def _optimize(
    start: FloatArray,
    center: FloatArray,
    tissue: npt.NDArray[np.float32],
    rim: BoolArray,
    grid: WorkingGrid,
    around: _Moving,
    sigma: float,
) -> FloatArray:
    """Refines a rigid map on volumes smoothed by `sigma` mm; gives it back as it was if ITK loses the overlap."""
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
    """Shift of `center` in mm and angle of rotation in degrees of a map close to a rigid one."""
    rotation = nearest_rigid(motion, center)[:3, :3]
    angle = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0)))
    return float(np.linalg.norm(apply(motion, center) - center)), float(angle)
