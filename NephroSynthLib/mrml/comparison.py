"""Volumes made to compare two others: checkerboard, difference, uncertainty over the synthetic phase."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.grids import resample, same_grid
from NephroSynthLib.mrml.colours import diverging, paint, sequential, show_legend
from NephroSynthLib.mrml.display import overlay, set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

__all__ = ["COMPARISON", "DIFFERENCE_HU", "checkerboard", "difference", "show_legend", "uncertainty_overlay"]

COMPARISON = "NephroSynth.Comparison"
"""The attribute of volumes that are made only to be looked at."""

DIFFERENCE_HU = 100.0
"""The colours of a difference end at this many HU on either side, as in the report."""

_OUTSIDE = -32000.0
_LEAST_UNCERTAINTY_HU = 1.0
Volume: TypeAlias = "slicer.vtkMRMLScalarVolumeNode"


def checkerboard(
    scene: slicer.vtkMRMLScene, a: Volume, b: Volume, tiles: int, name: str, node: Volume | None = None
) -> Volume:
    """Alternating blocks of two volumes on the grid of the first; edges that break at their borders are misaligned.

    Args:
        scene: Where a new node is made.
        a: Shown in the first block.
        b: Any grid; where it does not reach, `a` is shown.
        tiles: How many cubic blocks lie along the longest side of a slice, 2 to 64.
        name: Of the result.
        node: Updated in place if given.

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
    """Synthetic less acquired in HU on the synthetic's grid, in diverging colours from -100 to 100 HU with a legend.

    Args:
        scene: Where a new node is made.
        synthetic: Whose grid the result has.
        acquired: Any grid; where it does not reach, the difference is 0.
        name: Of the result.
        node: Updated in place if given.

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
    """Shows the uncertainty in colours over a volume in all slice views, with a legend; small ones stay transparent.

    Args:
        scene: The scene.
        volume: Shown below.
        uncertainty: Standard deviation in HU.
        opacity: Of the colours, in [0, 1].
    """
    values = sitk.GetArrayFromImage(image_from_node(uncertainty))
    positive = values[values > _LEAST_UNCERTAINTY_HU]
    top = float(np.percentile(positive, 99)) if positive.size else 2 * _LEAST_UNCERTAINTY_HU
    paint(uncertainty, sequential(scene), (0.0, top), _("Uncertainty (SD, HU)"))
    display = uncertainty.GetDisplayNode()
    display.SetThreshold(_LEAST_UNCERTAINTY_HU, max(float(values.max()), top))
    display.ApplyThresholdOn()
    overlay(scene, volume, uncertainty, opacity)


def _pair(grid: sitk.Image, a: Volume, b: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Both volumes (z, y, x), float32 HU, on the first one's grid; the second far below any HU where it ends."""
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


def _like(grid: sitk.Image, values: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.CopyInformation(grid)
    return image
