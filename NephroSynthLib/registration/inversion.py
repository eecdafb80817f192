"""The inverse of a transform, which carries points of the excretory frame to the non-contrast frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.errors import Action, ImageContentError
from NephroSynthLib.imaging.grids import index_to_world
from NephroSynthLib.registration.geometry import FloatArray, extent

_ROUNDS, _STEP, _CLOSE_MM = 60, 0.7, 0.02
_FINER = 2
_POLISHING = 4


def inverse(transform: sitk.Transform) -> sitk.Transform:
    """Inverts a transform whose parts are linear maps and displacement fields that do not fold.

    A field is inverted on its own grid, and then on one of half the spacing: Chen et al., "A simple fixed-point
    approach to invert a deformation field", Med Phys 35 (2008), with a shortened step.

    Args:
        transform: A transform of a result, or another ITK transform.

    Raises:
        ImageContentError: If a part is of another kind, or is a linear map without an inverse.
    """
    inverted = [_inverse_of_part(part) for part in parts(transform)]
    return inverted[0] if len(inverted) == 1 else sitk.CompositeTransform(inverted[::-1])


def parts(transform: sitk.Transform) -> Iterator[sitk.Transform]:
    """Yields the parts of a transform in the order of a composite transform, which applies the last one first."""
    if transform.GetTransformEnum() != sitk.sitkComposite:
        yield transform
        return
    composite = sitk.CompositeTransform(transform)
    for number in range(composite.GetNumberOfTransforms()):
        yield from parts(composite.GetNthTransform(number))


def carried(transform: sitk.Transform, points: FloatArray) -> FloatArray:
    """Returns points (N, 3), LPS mm, carried by a transform."""
    moved = [transform.TransformPoint(point) for point in points.tolist()]
    return np.array(moved, dtype=np.float64).reshape(-1, 3)


def carried_back(transform: sitk.Transform, points: FloatArray) -> FloatArray:
    """Returns points (N, 3), LPS mm, carried by the inverse of a transform.

    The inverse on the grid of the field is only the start; the remaining error is then removed.
    """
    back, aims = inverse(transform), points.copy()
    found = carried(back, aims)
    for _ in range(_POLISHING):
        aims = aims + (points - carried(transform, found))
        found = carried(back, aims)
    return found


def volume_ratio(transform: sitk.Transform, grid: sitk.Image) -> NDArray[np.float32]:
    """Returns how much a transform enlarges each voxel of a grid, (z, y, x): the absolute Jacobian determinant."""
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.GetSize(), grid.GetOrigin(), grid.GetSpacing(), grid.GetDirection()
    )
    to_world = index_to_world(grid)[:3, :3]
    displacement = sitk.GetArrayFromImage(field)
    columns = [
        np.gradient(displacement, axis=2 - axis) + to_world[:, axis] if grid.GetSize()[axis] > 1 else to_world[:, axis]
        for axis in range(3)
    ]
    jacobian = np.stack(np.broadcast_arrays(*columns), axis=-1)
    return np.asarray(np.abs(np.linalg.det(jacobian) / np.linalg.det(to_world)), dtype=np.float32)


def largest_error(forward: sitk.Transform, backward: sitk.Transform, count: int, seed: int) -> float:
    """Returns the largest distance in mm of points from where forward and then backward transform carry them.

    Args:
        forward: A transform.
        backward: Its inverse.
        count: Number of points, drawn from the box of its displacement field, or from 400 mm around the origin.
        seed: Of the draw.
    """
    fields = [
        sitk.DisplacementFieldTransform(part).GetDisplacementField()
        for part in parts(forward)
        if part.GetTransformEnum() == sitk.sitkDisplacementField
    ]
    lower, upper = extent(fields[-1]) if fields else (np.full(3, -200.0), np.full(3, 200.0))
    points = np.random.default_rng(seed).uniform(lower, upper, (count, 3))
    return float(np.linalg.norm(carried(backward, carried(forward, points)) - points, axis=1).max())


def _inverse_of_part(part: sitk.Transform) -> sitk.Transform:
    if part.GetTransformEnum() == sitk.sitkDisplacementField:
        return _inverse_of_field(sitk.DisplacementFieldTransform(part).GetDisplacementField())
    try:
        return part.GetInverse()
    except RuntimeError:
        raise ImageContentError(
            f"The transform has a part that cannot be inverted ({part.GetName()}).", Action.GIVE_TRANSFORM
        ) from None


def _inverse_of_field(field: sitk.Image) -> sitk.DisplacementFieldTransform:
    to_world = index_to_world(field)[:3, :3]
    in_voxels = sitk.GetArrayFromImage(field) @ np.linalg.inv(to_world).T
    steps = [np.ascontiguousarray(in_voxels[..., axis]) for axis in (2, 1, 0)]
    least = _CLOSE_MM / min(field.GetSpacing())
    places = np.indices(steps[0].shape, dtype=np.float64)
    back = _settled(steps, places, np.zeros_like(places), least)
    finer = [_FINER * (size - 1) + 1 for size in steps[0].shape]
    places = np.indices(finer, dtype=np.float64) / _FINER
    back = _settled(steps, places, _sampled(list(back), places), least)
    inverted = sitk.GetImageFromArray(np.moveaxis(back[::-1], 0, -1) @ to_world.T, isVector=True)
    inverted.SetOrigin(field.GetOrigin())
    inverted.SetDirection(field.GetDirection())
    inverted.SetSpacing([spacing / _FINER for spacing in field.GetSpacing()])
    return sitk.DisplacementFieldTransform(sitk.Cast(inverted, sitk.sitkVectorFloat64))


def _settled(steps: list[FloatArray], places: FloatArray, back: FloatArray, least: float) -> FloatArray:
    """Returns the displacement that leads from places (3, z, y, x) to where the steps come from, in voxels."""
    found, starts = back.reshape(3, -1).copy(), places.reshape(3, -1)
    active = np.arange(found.shape[1])
    for _ in range(_ROUNDS):
        change = -_sampled(steps, starts[:, active] + found[:, active]) - found[:, active]
        found[:, active] += _STEP * change
        active = active[np.abs(change).max(axis=0) >= least]
        if not active.size:
            break
    return found.reshape(back.shape)


def _sampled(components: list[NDArray[np.float64]], places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([ndimage.map_coordinates(array, places, order=1, mode="constant") for array in components])
