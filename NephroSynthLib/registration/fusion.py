"""Fusion of the affine map of stage 1 and the rigid motions of the kidneys into one smooth, invertible map.

Log-Euclidean polyaffine transforms: Arsigny, Commowick, Ayache, Pennec, "A Fast and Log-Euclidean Polyaffine Framework
for Locally Linear Registration", J. Math. Imaging Vis. 33 (2009). The motions are averaged as stationary velocities and
integrated by scaling and squaring, which gives a diffeomorphism for any weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import linalg, ndimage

from NephroSynthLib.registration.geometry import FloatArray, WorkingGrid, affine_transform, apply, box_corners
from NephroSynthLib.registration.kidney_stage import mask_extent

SPACING_MM = 3.0
CORE_MM = 4.0
FALLOFF_MM = 30.0
_LARGEST_STEP_MM = 0.5
_SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class FusedMap:
    """The fused map.

    Attributes:
        transform: Carries fixed points to moving points, LPS mm: first the field, then the affine map. The field fades
            to zero inside its box, so the affine map alone applies beyond it.
        min_jacobian: Least determinant of the Jacobian on the grid of the field.
        affine: The 4x4 map that applies beyond the field.
        grid: Grid of the field; None if the affine map is the whole map.
    """

    transform: sitk.Transform
    min_jacobian: float
    affine: FloatArray
    grid: WorkingGrid | None


def fuse(affine: FloatArray, motions: Sequence[FloatArray], masks: Sequence[sitk.Image]) -> FusedMap:
    """Fuses the maps: the motion of each kidney holds at and near that kidney, the affine map elsewhere.

    Args:
        affine: 4x4 map of fixed to moving points, LPS mm.
        motions: For each kidney, the 4x4 map of fixed to moving points.
        masks: For each kidney, an image in the fixed frame that is nonzero in it.
    """
    if not motions:
        return FusedMap(affine_transform(affine), float(np.linalg.det(affine[:3, :3])), affine, None)
    velocities = [_velocity(np.linalg.inv(affine) @ motion) for motion in motions]
    grid = _grid(velocities, masks)
    weights = _weights([_nearness(grid, mask, velocity) for mask, velocity in zip(masks, velocities, strict=True)])
    displacement = exponential(grid, weights, velocities)
    return after_field(affine, grid, displacement)


def preceded(fused: FusedMap, grid: WorkingGrid, displacement: FloatArray) -> FusedMap:
    """Applies a displacement before a fused map, as one field.

    Args:
        fused: The map to apply second.
        grid: Grid of the displacement.
        displacement: (z, y, x, 3) in LPS mm; zero at the border of its grid.
    """
    grids = [grid] if fused.grid is None else [grid, fused.grid]
    whole = WorkingGrid.between(
        np.min([part.origin for part in grids], axis=0), np.max([part.upper for part in grids], axis=0), grid.spacing
    )
    chain = sitk.CompositeTransform(
        [
            affine_transform(np.asarray(np.linalg.inv(fused.affine), dtype=np.float64)),
            fused.transform,
            _as_transform(grid, displacement),
        ]
    )
    field = sitk.TransformToDisplacementField(
        chain, sitk.sitkVectorFloat64, whole.size, whole.origin, (whole.spacing,) * 3
    )
    return after_field(fused.affine, whole, sitk.GetArrayFromImage(field))


def _as_transform(grid: WorkingGrid, displacement: FloatArray) -> sitk.Transform:
    return sitk.DisplacementFieldTransform(sitk.Cast(grid.image(displacement, is_vector=True), sitk.sitkVectorFloat64))


def after_field(affine: FloatArray, grid: WorkingGrid, displacement: FloatArray) -> FusedMap:
    """Returns the map that adds a displacement and then applies an affine map.

    Args:
        affine: 4x4 map, LPS mm.
        grid: Grid of the displacement.
        displacement: (z, y, x, 3) in LPS mm; zero at the border of its grid.
    """
    transform = sitk.CompositeTransform([affine_transform(affine), _as_transform(grid, displacement)])
    jacobian = np.linalg.det(affine[:3, :3]) * jacobian_determinant(displacement, grid.spacing)
    return FusedMap(transform, float(jacobian.min()), affine, grid)


def jacobian_determinant(displacement: FloatArray, spacing: float) -> FloatArray:
    """Computes the determinant of the Jacobian of x + u(x).

    Args:
        displacement: u in LPS mm, (z, y, x, 3).
        spacing: Edge length of a voxel in mm.

    Returns:
        (z, y, x), by central differences inside and one-sided differences at the border.
    """
    rows = [np.gradient(displacement[..., component], spacing) for component in range(3)]
    gradient = np.stack([np.stack(row[::-1], axis=-1) for row in rows], axis=-2)
    return np.asarray(np.linalg.det(gradient + np.eye(3)))


def _velocity(motion: FloatArray) -> FloatArray:
    """Returns the 4x4 logarithm of an affine map near the identity."""
    return np.asarray(np.real(linalg.logm(motion)), dtype=np.float64)


def _grid(velocities: Sequence[FloatArray], masks: Sequence[sitk.Image]) -> WorkingGrid:
    corners = []
    for velocity, mask in zip(velocities, masks, strict=True):
        lower, upper = mask_extent(mask)
        box = box_corners(lower, upper)
        corners += [box, apply(linalg.expm(velocity), box)]
    margin = CORE_MM + FALLOFF_MM + 3 * SPACING_MM
    stacked = np.concatenate(corners)
    return WorkingGrid.between(stacked.min(axis=0) - margin, stacked.max(axis=0) + margin, SPACING_MM)


def _nearness(grid: WorkingGrid, mask: sitk.Image, velocity: FloatArray) -> FloatArray:
    """Returns 1 in the tube that the kidney sweeps on its way, fading to 0 with the distance from it, (z, y, x).

    A point follows the motion of the kidney exactly while it stays where the weight is 1. So the weight covers the
    whole way of the kidney and not its first place alone.
    """
    membership = grid.sample(mask, outside=0.0)
    points = grid.points()
    swept = np.zeros(membership.shape, dtype=bool)
    for time in _SWEEP:
        indices = grid.indices(apply(linalg.expm(-time * velocity), points))
        swept |= ndimage.map_coordinates(membership, indices, order=1, cval=0.0) > 0.5
    distance = ndimage.distance_transform_edt(~swept, grid.spacing)
    fade = np.clip((distance - CORE_MM) / FALLOFF_MM, 0.0, 1.0)
    return np.asarray(1 - fade**3 * (10 - 15 * fade + 6 * fade**2))


def _weights(nearness: Sequence[FloatArray]) -> list[FloatArray]:
    """Returns weights of the kidneys that sum to 1 at most; where both are near, each counts by its nearness."""
    total = np.maximum(sum(nearness), 1e-12)
    return [near * near / total for near in nearness]


def exponential(grid: WorkingGrid, weights: Sequence[FloatArray], velocities: Sequence[FloatArray]) -> FloatArray:
    """Computes the displacement of the flow at time 1 by the fast polyaffine transform (section 4 of the paper).

    The first step uses the 2^-N-th roots of the motions themselves, so that a kidney moves exactly by its own motion.

    Args:
        grid: Grid of the displacement.
        weights: Weight of each motion at each voxel, (z, y, x), in [0, 1] and smooth.
        velocities: 4x4 logarithm of each motion.

    Returns:
        (z, y, x, 3) in LPS mm; zero beyond the grid.
    """
    points = grid.points()
    speed = sum(
        weight * np.linalg.norm(apply(velocity, points), axis=-1)
        for weight, velocity in zip(weights, velocities, strict=True)
    )
    squarings = max(0, int(np.ceil(np.log2(max(float(np.max(speed)), 1e-9) / _LARGEST_STEP_MM))))
    displacement = np.zeros(points.shape)
    for weight, velocity in zip(weights, velocities, strict=True):
        displacement += weight[..., None] * (apply(linalg.expm(velocity / 2**squarings), points) - points)
    for _ in range(squarings):
        displacement += _sampled(displacement, grid.indices(points + displacement))
    return displacement


def _sampled(displacement: FloatArray, indices: NDArray[np.float64]) -> FloatArray:
    return np.stack(
        [
            ndimage.map_coordinates(np.ascontiguousarray(displacement[..., component]), indices, order=1, cval=0.0)
            for component in range(3)
        ],
        axis=-1,
    )
