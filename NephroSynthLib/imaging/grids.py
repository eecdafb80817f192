"""Grids of images: canonical orientation, resampling to a spacing, boxes around labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

AIR_HU = -1024.0

Spacing = tuple[float, float, float]


def canonical(image: sitk.Image) -> sitk.Image:
    """The same voxels with axes nearest to left, posterior, superior: a permutation and flips, no interpolation.

    Its geometry is rounded to a micrometre, since NIfTI keeps no more than float32: an optimizer makes millimetres of
    the tenth decimal, and the same exam would give another result in each format.
    """
    turned = sitk.DICOMOrient(image, "LPS")
    turned.SetSpacing([round(size, 5) for size in turned.GetSpacing()])
    turned.SetOrigin([round(coordinate, 3) for coordinate in turned.GetOrigin()])
    turned.SetDirection([round(cosine, 5) for cosine in turned.GetDirection()])
    return turned


def along_stored_axes(image: sitk.Image, spacing: Spacing) -> Spacing:
    """A voxel size along left, posterior and superior (mm) as the image's own axes have it, which may be in any order.

    An oblique axis counts as the one it is nearest to.
    """
    order = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    x, y, z = (spacing[next(i for i, ends in enumerate(("LR", "PA", "SI")) if letter in ends)] for letter in order)
    return x, y, z


def with_spacing(image: sitk.Image, spacing: Spacing) -> sitk.Image:
    """An empty image that covers what `image` covers with voxels of another size (x, y, z in mm), for `resample`."""
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
        grid: image whose grid is taken.
        transform: carries points of `grid` to `image`, LPS mm; identity if None.
        label: nearest-neighbour interpolation instead of linear.
        outside: value beyond the image; 0 for labels and -1024 HU otherwise, if None.
    """
    value = outside if outside is not None else (0.0 if label else AIR_HU)
    interpolator = sitk.sitkNearestNeighbor if label else sitk.sitkLinear
    return sitk.Resample(image, grid, transform or sitk.Transform(3, sitk.sitkIdentity), interpolator, value)


def smooth_for(image: sitk.Image, spacing: Spacing) -> sitk.Image:
    """Low-pass filters an image before it is sampled at a coarser spacing (x, y, z in mm), against aliasing.

    Axes that do not get coarser stay as they are. The Gaussian's width is that of a Nyquist filter, half the coarse
    voxel's full width at half maximum less the voxel's own (Cardoso et al., MICCAI 2015, eq. 5).
    """
    for axis, (old, new) in enumerate(zip(image.GetSpacing(), spacing, strict=True)):
        variance = (new**2 - old**2) / (8 * np.log(2))
        if variance > (0.1 * old) ** 2:
            image = sitk.RecursiveGaussian(image, float(np.sqrt(variance)), direction=axis)
    return sitk.Cast(image, sitk.sitkFloat32)


def same_grid(first: sitk.Image, second: sitk.Image) -> bool:
    """Whether two images share size, spacing, origin and direction to a hundredth of a voxel."""
    tolerance = 0.01 * min(first.GetSpacing())
    return bool(
        first.GetSize() == second.GetSize()
        and np.allclose(first.GetSpacing(), second.GetSpacing(), atol=1e-4)
        and np.allclose(first.GetOrigin(), second.GetOrigin(), atol=tolerance)
        and np.allclose(first.GetDirection(), second.GetDirection(), atol=1e-4)
    )


@dataclass(frozen=True)
class Box:
    """A box of voxels: `start` and `size` in (x, y, z), as SimpleITK counts them."""

    start: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box in a (z, y, x) array."""
        x, y, z = (slice(a, a + n) for a, n in zip(self.start, self.size, strict=True))
        return z, y, x

    def crop(self, image: sitk.Image) -> sitk.Image:
        """The box of an image, with its place in space."""
        return sitk.RegionOfInterest(image, self.size, self.start)


def box_around(mask: np.ndarray, spacing: Sequence[float], margin_mm: float) -> Box:
    """The bounding box of a mask (z, y, x) with a margin in mm, cut at the image's border.

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
