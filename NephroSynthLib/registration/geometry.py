"""Working grids, resampling onto them, and affine maps as 4x4 matrices; points are LPS mm throughout.

All registration runs on grids along the axes of the patient (LPS), so that neither the storage order nor an oblique
orientation of an image changes the input of the stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from NephroSynthLib.imaging.grids import AIR_HU, index_to_world

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class WorkingGrid:
    """An isotropic grid along the LPS axes.

    Attributes:
        origin: Centre of the first voxel, LPS mm.
        size: Number of voxels along L, P and S.
        spacing: Edge length of a voxel in mm.
    """

    origin: tuple[float, float, float]
    size: tuple[int, int, int]
    spacing: float

    @staticmethod
    def between(lower: ArrayLike, upper: ArrayLike, spacing: float) -> WorkingGrid:
        """Returns the grid whose first voxel centre is `lower` and whose last one reaches at least `upper` (LPS mm)."""
        counts = np.ceil((np.asarray(upper) - np.asarray(lower)) / spacing - 1e-6).astype(int) + 1
        x, y, z = (float(value) for value in np.asarray(lower))
        return WorkingGrid((x, y, z), (int(counts[0]), int(counts[1]), int(counts[2])), spacing)

    @property
    def upper(self) -> FloatArray:
        """Centre of the last voxel, LPS mm."""
        return np.asarray(self.origin) + self.spacing * (np.asarray(self.size) - 1)

    def points(self) -> FloatArray:
        """Returns the centres of all voxels as (z, y, x, 3) LPS mm."""
        axes = [self.origin[axis] + self.spacing * np.arange(self.size[axis]) for axis in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        return np.stack([x, y, z], axis=-1)

    def indices(self, points: FloatArray) -> FloatArray:
        """Returns the continuous (z, y, x) indices (3, ...) of LPS points (..., 3), as `map_coordinates` takes them."""
        return np.moveaxis((points - np.asarray(self.origin)) / self.spacing, -1, 0)[::-1]

    def image(self, array: NDArray[np.generic], is_vector: bool = False) -> sitk.Image:
        """Returns a (z, y, x) array of this grid as an image."""
        image = sitk.GetImageFromArray(array, isVector=is_vector)
        image.SetOrigin(self.origin)
        image.SetSpacing((self.spacing,) * 3)
        return image

    def sample(self, image: sitk.Image, outside: float = AIR_HU) -> NDArray[np.float32]:
        """Averages `image` to this grid's resolution and interpolates it linearly, as a (z, y, x) array."""
        margin = 2 * self.spacing
        cropped = _crop(image, np.asarray(self.origin) - margin, self.upper + margin)
        if cropped is None:
            return np.full(self.size[::-1], outside, dtype=np.float32)
        factors = [max(1, int(self.spacing / spacing + 0.25)) for spacing in cropped.GetSpacing()]
        factors = [min(factor, size) for factor, size in zip(factors, cropped.GetSize(), strict=True)]
        coarse = sitk.BinShrink(sitk.Cast(cropped, sitk.sitkFloat32), factors)
        resampled = sitk.Resample(
            coarse, self.size, sitk.Transform(), sitk.sitkLinear, self.origin, (self.spacing,) * 3,
            (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), outside, sitk.sitkFloat32, True,
        )  # fmt: skip
        values = sitk.GetArrayFromImage(resampled)
        return np.where(self.inside(image), values, np.float32(outside))

    def inside(self, image: sitk.Image) -> BoolArray:
        """Marks the voxels of this grid that lie within the extent of `image`, as (z, y, x)."""
        to_index = np.linalg.inv(index_to_world(image))
        axes = [self.origin[axis] + self.spacing * np.arange(self.size[axis]) for axis in range(3)]
        inside = np.ones(self.size[::-1], dtype=bool)
        for row, size in zip(to_index[:3], image.GetSize(), strict=True):
            index = (
                row[2] * axes[2][:, None, None] + row[1] * axes[1][None, :, None] + row[0] * axes[0][None, None, :]
            ) + row[3]
            inside &= (index > -0.5) & (index < size - 0.5)
        return inside


def extent(image: sitk.Image) -> tuple[FloatArray, FloatArray]:
    """Returns the lower and upper corner of the LPS box around the voxel centres of `image`."""
    points = apply(index_to_world(image), box_corners(np.zeros(3), np.asarray(image.GetSize()) - 1.0))
    return points.min(axis=0), points.max(axis=0)


def box_corners(lower: ArrayLike, upper: ArrayLike) -> FloatArray:
    """Returns the eight corners (8, 3) of a box."""
    return np.array(list(product(*zip(np.asarray(lower), np.asarray(upper), strict=True))), dtype=np.float64)


def apply(matrix: NDArray[Any], points: NDArray[Any]) -> FloatArray:
    """Maps points (..., 3) by a 4x4 matrix."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3], dtype=np.float64)


def translation(shift: ArrayLike) -> FloatArray:
    """Returns the 4x4 map that adds `shift` (LPS mm)."""
    matrix = np.eye(4)
    matrix[:3, 3] = shift
    return matrix


def affine_transform(matrix: FloatArray) -> sitk.AffineTransform:
    """Returns a 4x4 matrix as an ITK transform."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def matrix_of(transform: sitk.Transform) -> FloatArray:
    """Returns the 4x4 matrix of a linear ITK transform."""
    matrix = np.eye(4)
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(transform.TransformPoint(np.eye(3)[axis].tolist())) - origin
    return matrix


def _crop(image: sitk.Image, lower: FloatArray, upper: FloatArray) -> sitk.Image | None:
    """Cuts out the part of `image` that covers an LPS box; returns None if it misses the box."""
    corners = box_corners(lower, upper)
    indices = apply(np.linalg.inv(index_to_world(image)), corners)
    size = np.asarray(image.GetSize())
    start = np.maximum(np.floor(indices.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.ceil(indices.max(axis=0)).astype(int) + 1, size)
    if np.any(stop <= start):
        return None
    part: sitk.Image = sitk.RegionOfInterest(image, (stop - start).tolist(), start.tolist())
    return part
