"""Anatomical planes through the kidneys, sampled from images on any grid, oblique ones too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.imaging.sides import BODY_HU, SIDES

PIXEL_MM = 0.8

_COARSE_MM = 4.0
_LABEL_MM = 2.0

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """A rectangle in space in radiological view: patient right and anterior on the left, superior on top.

    Attributes:
        name: Name: 'axial', 'coronal' or 'sagittal'.
        corner: Upper left corner as an LPS point in mm.
        right: LPS unit vector to the right of the picture.
        down: LPS unit vector down the picture.
        width_mm, height_mm: Size.
        letters: Patient directions at the left, right, top and bottom of the picture.
    """

    name: str
    corner: Point
    right: Point
    down: Point
    width_mm: float
    height_mm: float
    letters: tuple[str, str, str, str]

    def sample(self, image: sitk.Image, *, label: bool = False, outside: float | None = None) -> NDArray[np.floating]:
        """Samples an image in this plane, as a picture (row, column) with square pixels of 0.8 mm."""
        size = [max(1, round(self.width_mm / PIXEL_MM)), max(1, round(self.height_mm / PIXEL_MM)), 1]
        grid = sitk.Image(size, sitk.sitkUInt8)
        axes = np.stack([self.right, self.down, np.cross(self.right, self.down)], axis=1)
        grid.SetDirection(axes.ravel().tolist())
        grid.SetSpacing((PIXEL_MM, PIXEL_MM, PIXEL_MM))
        grid.SetOrigin((np.array(self.corner) + axes @ [PIXEL_MM / 2, PIXEL_MM / 2, 0]).tolist())
        return sitk.GetArrayFromImage(resample(image, grid, label=label, outside=outside))[0]


@dataclass(frozen=True)
class Extent:
    """A box in space with faces along the patient's axes: lower and upper corner, LPS mm."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @property
    def centre(self) -> NDArray[np.float64]:
        """LPS mm."""
        return (self.lower + self.upper) / 2

    def grown(self, margin_mm: float) -> Extent:
        """Returns the box with a margin on each side."""
        return Extent(self.lower - margin_mm, self.upper + margin_mm)

    def within(self, other: Extent) -> Extent:
        """Returns the intersection of both boxes."""
        return Extent(np.maximum(self.lower, other.lower), np.minimum(self.upper, other.upper))


@dataclass(frozen=True)
class Anatomy:
    """Position of the body and the kidneys.

    Attributes:
        body: Extent of the patient without the table, within the image.
        kidneys: Extent of each kidney by side.
        axial_z: LPS z in mm of the axial plane in which the smaller kidney section is largest.
        centroids: Centroid of each kidney in LPS mm, by side.
    """

    body: Extent
    kidneys: dict[str, Extent]
    axial_z: float
    centroids: dict[str, NDArray[np.float64]]

    @property
    def both_kidneys(self) -> Extent:
        """Returns the box around all kidneys."""
        lower = np.min([extent.lower for extent in self.kidneys.values()], axis=0)
        upper = np.max([extent.upper for extent in self.kidneys.values()], axis=0)
        return Extent(lower, upper)


def find_anatomy(noncontrast: sitk.Image, kidneys: sitk.Image) -> Anatomy:
    """Finds the body in a CT in HU, and the kidneys in its label map (1 right, 2 left, at least one of them)."""
    scene = _reach(noncontrast)
    labels, grid = _upright(kidneys, scene, _LABEL_MM, label=True)
    masks = {side: labels == label for side, label in SIDES.items() if (labels == label).any()}
    areas = np.stack([mask.sum(axis=(1, 2)) for mask in masks.values()])
    best = int(np.argmax(areas.min(axis=0) if areas.min(axis=0).any() else areas.sum(axis=0)))
    return Anatomy(
        body=_body(noncontrast, scene),
        kidneys={side: _extent_of(mask, grid) for side, mask in masks.items()},
        axial_z=float(grid.GetOrigin()[2] + best * _LABEL_MM),
        centroids={side: _centroid(mask, grid) for side, mask in masks.items()},
    )


def axial(z: float, extent: Extent) -> Plane:
    """Returns the axial plane at LPS z in mm, seen from the feet."""
    width, height, _ = extent.upper - extent.lower
    corner = (float(extent.lower[0]), float(extent.lower[1]), z)
    return Plane("axial", corner, (1, 0, 0), (0, 1, 0), float(width), float(height), ("R", "L", "A", "P"))


def coronal(y: float, extent: Extent) -> Plane:
    """Returns the coronal plane at LPS y in mm, seen from the front."""
    width, _, height = extent.upper - extent.lower
    corner = (float(extent.lower[0]), y, float(extent.upper[2]))
    return Plane("coronal", corner, (1, 0, 0), (0, 0, -1), float(width), float(height), ("R", "L", "S", "I"))


def sagittal(x: float, extent: Extent) -> Plane:
    """Returns the sagittal plane at LPS x in mm, with anterior on the left."""
    _, width, height = extent.upper - extent.lower
    corner = (x, float(extent.lower[1]), float(extent.upper[2]))
    return Plane("sagittal", corner, (0, 1, 0), (0, 0, -1), float(width), float(height), ("A", "P", "S", "I"))


def _reach(image: sitk.Image) -> Extent:
    """Returns the extent between the outer voxel faces of the image."""
    size = image.GetSize()
    corners = [
        image.TransformContinuousIndexToPhysicalPoint(
            [-0.5 if low else count - 0.5 for low, count in zip(lows, size, strict=True)]
        )
        for lows in np.ndindex(2, 2, 2)
    ]
    return Extent(np.min(corners, axis=0), np.max(corners, axis=0))


def _upright(
    image: sitk.Image, scene: Extent, spacing: float, *, label: bool = False
) -> tuple[NDArray[np.number], sitk.Image]:
    grid = sitk.Image([max(1, int(n)) for n in np.ceil((scene.upper - scene.lower) / spacing)], sitk.sitkUInt8)
    grid.SetSpacing((spacing,) * 3)
    grid.SetOrigin((scene.lower + spacing / 2).tolist())
    return sitk.GetArrayFromImage(resample(image, grid, label=label)), grid


def _body(image: sitk.Image, scene: Extent) -> Extent:
    """Returns the largest connected piece denser than air, after an opening has removed the thin table."""
    hu, grid = _upright(image, scene, _COARSE_MM)
    solid = sitk.GetImageFromArray((hu > BODY_HU).astype(np.uint8))
    opened = sitk.BinaryMorphologicalOpening(solid, (2, 2, 0))
    pieces = sitk.RelabelComponent(sitk.ConnectedComponent(opened), sortByObjectSize=True)
    body = sitk.GetArrayViewFromImage(pieces) == 1
    return _extent_of(body, grid).grown(_COARSE_MM).within(scene) if body.any() else scene


def _extent_of(mask: NDArray[np.bool_], grid: sitk.Image) -> Extent:
    step = np.array(grid.GetSpacing())
    inside = [np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 1), (0, 2), (1, 2))]
    first = np.array([found[0] for found in inside])
    last = np.array([found[-1] for found in inside])
    origin = np.array(grid.GetOrigin())
    return Extent(origin + (first - 0.5) * step, origin + (last + 0.5) * step)


def _centroid(mask: NDArray[np.bool_], grid: sitk.Image) -> NDArray[np.float64]:
    index = np.argwhere(mask).mean(axis=0)[::-1]
    return np.array(grid.GetOrigin()) + index * np.array(grid.GetSpacing())
