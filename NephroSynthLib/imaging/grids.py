"""Grids of images: canonical orientation, index-to-world matrices, resampling, boxes around labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

AIR_HU = -1024.0
"""Value of voxels that no scanner has seen: padding, and everything beyond the field of view."""

MIN_SLICES = 16
"""Fewest slices of a CT volume that can hold a kidney."""

Spacing = tuple[float, float, float]
"""Voxel size along (x, y, z) in mm."""


def canonical(image: sitk.Image) -> sitk.Image:
    """Reorders the axes of an image to left, posterior, superior by a permutation and flips, without interpolation.

    The geometry is rounded to a micrometre. NIfTI stores it as float32, and an optimizer may turn a difference in the
    tenth decimal into millimetres, so without rounding the result of an exam would depend on the file format.
    """
    turned = sitk.DICOMOrient(image, "LPS")
    turned.SetSpacing([round(size, 5) for size in turned.GetSpacing()])
    turned.SetOrigin([round(coordinate, 3) for coordinate in turned.GetOrigin()])
    turned.SetDirection([round(cosine, 5) for cosine in turned.GetDirection()])
    return turned


def index_to_world(image: sitk.Image) -> NDArray[np.float64]:
    """Returns the 4x4 matrix that maps (x, y, z) voxel indices of an image to LPS mm.

    The first three columns are the steps from a voxel to the next one along each axis.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def along_stored_axes(image: sitk.Image, spacing: Spacing) -> Spacing:
    """Converts a voxel size along left, posterior and superior (mm) to the order of the image's own axes.

    An oblique axis counts as the patient axis that it is nearest to.
    """
    order = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    x, y, z = (spacing[next(i for i, ends in enumerate(("LR", "PA", "SI")) if letter in ends)] for letter in order)
    return x, y, z


def with_spacing(image: sitk.Image, spacing: Spacing) -> sitk.Image:
    """Returns an empty image that covers the same space with voxels of another size, as a grid for `resample`.

    Args:
        image: Image whose extent and orientation are taken.
        spacing: New voxel size (x, y, z) in mm.
    """
    ratio = [new / old for old, new in zip(image.GetSpacing(), spacing, strict=True)]
    size = [max(1, round(n / r)) for n, r in zip(image.GetSize(), ratio, strict=True)]
    corner = [(r - 1) / 2 for r in ratio]
    grid = sitk.Image(size, sitk.sitkUInt8)
    grid.SetSpacing(spacing)
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(corner))
    grid.SetDirection(image.GetDirection())
    return grid


def resample(
    image: sitk.Image,
    grid: sitk.Image,
    transform: sitk.Transform | None = None,
    *,
    label: bool = False,
    outside: float | None = None,
) -> sitk.Image:
    """Resamples an image onto a grid.

    Args:
        image: HU or a label map.
        grid: Image whose grid is taken.
        transform: Carries points of `grid` to `image`, LPS mm; identity if None.
        label: Whether to interpolate by nearest neighbour instead of linearly.
        outside: Value beyond the image; 0 for labels and -1024 HU otherwise, if None.

    Example:
        >>> fine = resample(image, with_spacing(image, (1.0, 1.0, 1.0)))
    """
    value = outside if outside is not None else (0.0 if label else AIR_HU)
    interpolator = sitk.sitkNearestNeighbor if label else sitk.sitkLinear
    return sitk.Resample(image, grid, transform or sitk.Transform(3, sitk.sitkIdentity), interpolator, value)


def on_grid(image: sitk.Image, grid: sitk.Image, *, label: bool = False) -> sitk.Image:
    """Returns the image as it is where it already lies on the grid, and otherwise resampled onto it."""
    return image if same_grid(image, grid) else resample(image, grid, label=label)


def smooth_for(image: sitk.Image, spacing: Spacing) -> sitk.Image:
    """Low-pass filters an image before it is sampled at a coarser spacing (x, y, z in mm), against aliasing.

    Axes that do not get coarser stay as they are. The variance of the Gaussian is that of the coarse voxel less that of
    the image's own voxel, each taken as a Gaussian with a full width at half maximum of one voxel (Cardoso et al.,
    MICCAI 2015, eq. 5).
    """
    for axis, (old, new) in enumerate(zip(image.GetSpacing(), spacing, strict=True)):
        variance = (new**2 - old**2) / (8 * np.log(2))
        if variance > (0.1 * old) ** 2:
            image = sitk.RecursiveGaussian(image, float(np.sqrt(variance)), direction=axis)
    return sitk.Cast(image, sitk.sitkFloat32)


def orthogonal_axes(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the orthogonal matrix that is nearest to a 3 × 3 matrix (its polar decomposition)."""
    left, _, right = np.linalg.svd(axes)
    return left @ right


def straightened(image: sitk.Image) -> sitk.Image:
    """Returns an image with orthogonal axes. Rounding in a file can shear the axes slightly.

    Axes that are orthogonal to the precision of `canonical` stay as they are.
    """
    axes = np.reshape(image.GetDirection(), (3, 3))
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4:
        image = sitk.Image(image)
        image.SetDirection(orthogonal_axes(axes).ravel().tolist())
    return image


def same_grid(first: sitk.Image, second: sitk.Image) -> bool:
    """Tells whether two images share size, spacing, origin and direction to a hundredth of a voxel."""
    tolerance = 0.01 * min(first.GetSpacing())
    return bool(
        first.GetSize() == second.GetSize()
        and np.allclose(first.GetSpacing(), second.GetSpacing(), atol=1e-4)
        and np.allclose(first.GetOrigin(), second.GetOrigin(), atol=tolerance)
        and np.allclose(first.GetDirection(), second.GetDirection(), atol=1e-4)
    )


@dataclass(frozen=True)
class Box:
    """A box of voxels.

    Attributes:
        start: Index of the first voxel (x, y, z).
        size: Number of voxels along (x, y, z).
    """

    start: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Slices that cut the box out of a (z, y, x) array."""
        x, y, z = (slice(a, a + n) for a, n in zip(self.start, self.size, strict=True))
        return z, y, x

    def crop(self, image: sitk.Image) -> sitk.Image:
        """Cuts the box out of an image; the voxels keep their place in space."""
        return sitk.RegionOfInterest(image, self.size, self.start)

    def crop_on(self, grid: sitk.Image, image: sitk.Image) -> sitk.Image:
        """Returns the part of an image, of any grid, that lies in this box of `grid`, on the voxels of `grid`."""
        return self.crop(image) if same_grid(image, grid) else resample(image, self.crop(grid))


def box_around(mask: NDArray[np.bool_], spacing: Sequence[float], margin_mm: float) -> Box:
    """Returns the bounding box of a mask with a margin, cut at the border of the image.

    Args:
        mask: Voxels (z, y, x).
        spacing: Voxel size (x, y, z) in mm.
        margin_mm: Margin on each side.

    Raises:
        ValueError: If the mask is empty.
    """
    if not mask.any():
        raise ValueError("The mask is empty.")
    start, size = [], []
    for axis, step in zip((2, 1, 0), spacing, strict=True):
        inside = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(margin_mm / step))
        first, last = max(0, int(inside[0]) - margin), min(mask.shape[axis] - 1, int(inside[-1]) + margin)
        start.append(first)
        size.append(last - first + 1)
    return Box((start[0], start[1], start[2]), (size[0], size[1], size[2]))
