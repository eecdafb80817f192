"""Volumes that compare two other volumes: checkerboard, difference, and uncertainty over the synthetic phase."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.grids import resample, same_grid
from NephroSynthLib.mrml.colours import diverging, paint, sequential, show_legend
from NephroSynthLib.mrml.display import overlay, set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.provenance import COMPARISON
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

__all__ = ["DIFFERENCE_HU", "checkerboard", "difference", "show_legend", "uncertainty_overlay"]

DIFFERENCE_HU = 100.0
"""The colours of a difference range from minus to plus this value, as in the report."""

_OUTSIDE = -32000.0
_LEAST_UNCERTAINTY_HU = 1.0
Volume: TypeAlias = "slicer.vtkMRMLScalarVolumeNode"


def checkerboard(
    scene: slicer.vtkMRMLScene, a: Volume, b: Volume, tiles: int, name: str, node: Volume | None = None
) -> Volume:
    """Makes a checkerboard of two volumes. Edges that break at the borders of its blocks are misaligned.

    Args:
        scene: Where a new node is made.
        a: The volume in the first block. The result has its grid.
        b: The other volume, on any grid. `a` is shown where `b` has no voxels.
        tiles: The number of cubic blocks along the longest side of a slice, 2 to 64.
        name: The name of the result.
        node: A node to update instead of making a new one.

    Raises:
        GeometryError: If the volumes do not overlap or `tiles` is out of range.
    """
    if not 2 <= tiles <= 64:
        raise GeometryError(_("A checkerboard has 2 to 64 tiles along a side, not {tiles}.").format(tiles=tiles))
    first = image_from_node(a)
    values, others = _pair(first, a, b)
    spacing = np.array(first.GetSpacing())
    side = max(np.array(first.GetSize()[:2]) * spacing[:2]) / tiles
    x, y, z = (
        (np.arange(size) * step // side).astype(int) for size, step in zip(first.GetSize(), spacing, strict=True)
    )
    odd = (x + y[:, np.newaxis] + z[:, np.newaxis, np.newaxis]) % 2 == 1
    mixed = np.where(odd & (others > _OUTSIDE), others, values)
    result = node_from_image(scene, _like(first, mixed), name, node)
    set_ct_window(result)
    result.SetAttribute(COMPARISON, "checkerboard")
    return result


def difference(
    scene: slicer.vtkMRMLScene, synthetic: Volume, acquired: Volume, name: str, node: Volume | None = None
) -> Volume:
    """Makes the difference of two volumes in HU, in diverging colours from -100 to 100 HU with a legend.

    Args:
        scene: Where a new node is made.
        synthetic: The minuend. The result has its grid.
        acquired: The subtrahend, on any grid. The difference is 0 where it has no voxels.
        name: The name of the result.
        node: A node to update instead of making a new one.

    Raises:
        GeometryError: If the volumes do not overlap.
    """
    image = image_from_node(synthetic)
    values, others = _pair(image, synthetic, acquired)
    result = node_from_image(scene, _like(image, np.where(others > _OUTSIDE, values - others, 0)), name, node)
    result.SetAttribute(COMPARISON, "difference")
    paint(result, diverging(scene), (-DIFFERENCE_HU, DIFFERENCE_HU), _("Difference (HU), red: synthetic higher"))
    return result


def uncertainty_overlay(scene: slicer.vtkMRMLScene, volume: Volume, uncertainty: Volume, opacity: float = 0.5) -> None:
    """Shows the uncertainty in colours over a volume in all slice views, with a legend.

    Values below 1 HU are transparent.

    Args:
        scene: The scene.
        volume: The background.
        uncertainty: The standard deviation in HU.
        opacity: The opacity of the colours, in [0, 1].
    """
    values = sitk.GetArrayFromImage(image_from_node(uncertainty))
    positive = values[values > _LEAST_UNCERTAINTY_HU]
    top = float(np.percentile(positive, 99)) if positive.size else 2 * _LEAST_UNCERTAINTY_HU
    paint(uncertainty, sequential(scene), (0.0, top), _("Uncertainty (SD, HU)"))
    display = uncertainty.GetDisplayNode()
    display.SetThreshold(_LEAST_UNCERTAINTY_HU, max(float(values.max()), top))
    display.ApplyThresholdOn()
    overlay(scene, volume, uncertainty, opacity)


def _pair(grid: sitk.Image, a: Volume, b: Volume) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The voxels (z, y, x) of both volumes in HU, on the grid of the first. Below `_OUTSIDE` where the second ends."""
    other = sitk.Cast(image_from_node(b), sitk.sitkFloat32)
    if not same_grid(grid, other):
        other = resample(other, grid, outside=2 * _OUTSIDE)
    others = sitk.GetArrayFromImage(other)
    if not (others > _OUTSIDE).any():
        raise GeometryError(
            _("'{first}' and '{second}' do not overlap.").format(first=a.GetName(), second=b.GetName()),
            Action.GIVE_ONE_EXAM,
        )
    return sitk.GetArrayFromImage(grid).astype(np.float32), others


def _like(grid: sitk.Image, values: NDArray[np.float32]) -> sitk.Image:
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.CopyInformation(grid)
    return image
