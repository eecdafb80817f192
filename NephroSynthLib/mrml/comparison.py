"""Volumes that compare two other volumes: checkerboard, difference, and uncertainty over the synthetic phase.

Large volumes are computed in a thread, a few slices at a time and in whole numbers where the volumes have them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.mrml.colours import diverging, paint, sequential, show_legend
from NephroSynthLib.mrml.display import overlay, set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import Matrix, first_voxel_to_ras, grid_from_vtk, image_from_vtk, new_voxels, voxels
from NephroSynthLib.mrml.provenance import COMPARISON
from NephroSynthLib.mrml.volume_nodes import Content, attach, in_world
from NephroSynthLib.session.steps import Change, Step, Steps, in_background

__all__ = ["DIFFERENCE_HU", "checkerboard", "difference", "show_legend", "uncertainty_overlay"]

DIFFERENCE_HU = 100.0
"""The colours of a difference range from minus to plus this value, as in the report."""

_OUTSIDE = -32000.0
_LEAST_UNCERTAINTY_HU = 1.0
_MOST_UNCERTAINTY_HU = 1e6
_MOST_SAMPLES = 500_000
_SLAB = 4
"""Slices that are computed at once. Between them Python lets the window answer."""
Volume: TypeAlias = "slicer.vtkMRMLScalarVolumeNode"


def checkerboard(
    scene: slicer.vtkMRMLScene, a: Volume, b: Volume, tiles: int, name: str, node: Volume | None = None
) -> Steps[Change[Volume]]:
    """Makes a checkerboard of two volumes. Edges that break at the borders of its blocks are misaligned.

    Args:
        scene: Where a new node is made.
        a: The volume in the first block. The result has its grid.
        b: The other volume, on any grid. `a` is shown where `b` has no voxels.
        tiles: The number of cubic blocks along the longest side of a slice, 2 to 64.
        name: The name of the result.
        node: A node to update instead of making a new one.

    Returns:
        A generator of steps whose value makes or updates the node.

    Raises:
        GeometryError: While stepping, if the volumes do not overlap or `tiles` is out of range.
    """
    if not 2 <= tiles <= 64:
        raise GeometryError(_("A checkerboard has 2 to 64 tiles along a side, not {tiles}.").format(tiles=tiles))
    spacing = a.GetSpacing()

    def mix(first: NDArray[Any], second: NDArray[Any]) -> Mixer:
        depth, height, width = first.shape
        side = max(width * spacing[0], height * spacing[1]) / tiles
        x, y, z = (
            (np.arange(size) * step // side).astype(int)
            for size, step in zip((width, height, depth), spacing, strict=True)
        )

        def slab(part: slice) -> NDArray[Any]:
            odd = (x + y[:, np.newaxis] + z[part, np.newaxis, np.newaxis]) % 2 == 1
            return np.where(odd & (second[part] > _OUTSIDE), second[part], first[part])

        return slab

    content = yield from _computed(a, b, mix, _("Making the checkerboard"))
    return lambda: _shown(scene, content, name, node, "checkerboard")


def difference(
    scene: slicer.vtkMRMLScene, synthetic: Volume, acquired: Volume, name: str, node: Volume | None = None
) -> Steps[Change[Volume]]:
    """Makes the difference of two volumes in HU, in diverging colours from -100 to 100 HU with a legend.

    Args:
        scene: Where a new node is made.
        synthetic: The minuend. The result has its grid.
        acquired: The subtrahend, on any grid. The difference is 0 where it has no voxels.
        name: The name of the result.
        node: A node to update instead of making a new one.

    Returns:
        A generator of steps whose value makes or updates the node.

    Raises:
        GeometryError: While stepping, if the volumes do not overlap.
    """

    def subtract(first: NDArray[Any], second: NDArray[Any]) -> Mixer:
        return lambda part: np.where(second[part] > _OUTSIDE, np.subtract(first[part], second[part]), 0)

    content = yield from _computed(synthetic, acquired, subtract, _("Making the difference"))

    def make() -> Volume:
        result = _shown(scene, content, name, node, "difference")
        limits = (-DIFFERENCE_HU, DIFFERENCE_HU)
        paint(result, diverging(scene), limits, _("Difference (HU), red: synthetic higher"))
        return result

    return make


def uncertainty_overlay(scene: slicer.vtkMRMLScene, volume: Volume, uncertainty: Volume, opacity: float = 0.5) -> None:
    """Shows the uncertainty in colours over a volume in all slice views, with a legend.

    Values below 1 HU are transparent.

    Args:
        scene: The scene.
        volume: The background.
        uncertainty: The standard deviation in HU.
        opacity: The opacity of the colours, in [0, 1].
    """
    everything = voxels(uncertainty.GetImageData()).ravel()
    values = everything[:: max(1, everything.size // _MOST_SAMPLES)]
    positive = values[values > _LEAST_UNCERTAINTY_HU]
    top = float(np.percentile(positive, 99)) if positive.size else 2 * _LEAST_UNCERTAINTY_HU
    paint(uncertainty, sequential(scene), (0.0, top), _("Uncertainty (SD, HU)"))
    display = uncertainty.GetDisplayNode()
    display.SetThreshold(_LEAST_UNCERTAINTY_HU, _MOST_UNCERTAINTY_HU)
    display.ApplyThresholdOn()
    overlay(scene, volume, uncertainty, opacity)


Mixer = Callable[[slice], "NDArray[Any]"]
"""Gives the voxels of a slab of slices."""


def _computed(a: Volume, b: Volume, mix: Callable[[NDArray[Any], NDArray[Any]], Mixer], message: str) -> Steps[Content]:
    """Computes a volume on the grid of `a` from the voxels (z, y, x) of both volumes."""
    first, second = in_world(a), in_world(b)
    problem = GeometryError(
        _("'{first}' and '{second}' do not overlap.").format(first=a.GetName(), second=b.GetName()),
        Action.GIVE_ONE_EXAM,
    )

    def work() -> Content:
        data, matrix = first
        others = _on_grid(second, first)
        if others is None:
            raise problem
        values = _signed(voxels(data))
        slab = mix(values, _signed(others))
        result = new_voxels(values.shape, np.result_type(values, _signed(others)))
        target = voxels(result)
        for start in range(0, len(values), _SLAB):
            part = slice(start, start + _SLAB)
            target[part] = slab(part)
        return Content(result, first_voxel_to_ras(data, matrix))

    return (yield from in_background(work, Step(0.0, message)))


Placed: TypeAlias = "tuple[slicer.vtkImageData, Matrix]"


def _on_grid(volume: Placed, grid: Placed) -> NDArray[Any] | None:
    """The voxels of a volume on the grid of another one, below `_OUTSIDE` where it ends. None without overlap."""
    same = volume[0].GetExtent() == grid[0].GetExtent() and np.allclose(volume[1], grid[1], atol=1e-4)
    if same:
        return voxels(volume[0])
    image = sitk.Cast(image_from_vtk(*volume), sitk.sitkFloat32)
    values: NDArray[Any] = sitk.GetArrayFromImage(resample(image, grid_from_vtk(*grid), outside=2 * _OUTSIDE))
    return values if (values > _OUTSIDE).any() else None


def _signed(values: NDArray[Any]) -> NDArray[Any]:
    """Values whose differences have a place in their type: a copy in 32 bits of unsigned and small integers."""
    if values.dtype.kind == "f" or values.dtype in (np.int16, np.int32):
        return values
    return values.astype(np.int32 if values.dtype.itemsize < 4 else np.float32)


def _shown(scene: slicer.vtkMRMLScene, content: Content, name: str, node: Volume | None, role: str) -> Volume:
    """Puts content into a node. The window is set first, because Slicer would compute one from all voxels."""
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    else:
        node.SetName(name)
    set_ct_window(node)
    attach(content, node)
    node.SetAttribute(COMPARISON, role)
    return node
