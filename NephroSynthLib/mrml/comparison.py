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
from scipy import ndimage

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.mrml.colours import diverging, paint, sequential, show_legend
from NephroSynthLib.mrml.display import overlay, set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import Matrix, first_voxel_to_ras, grid_from_vtk, image_from_vtk, new_voxels, voxels
from NephroSynthLib.mrml.provenance import COMPARISON
from NephroSynthLib.mrml.volume_nodes import Content, attach, in_world
from NephroSynthLib.session.steps import Change, Step, Steps, in_background

__all__ = [
    "DIFFERENCE_HU",
    "HIDDEN_HU",
    "checkerboard",
    "difference",
    "round_top",
    "show_legend",
    "uncertainty_overlay",
]

DIFFERENCE_HU = 100.0
"""The colours of a difference range from minus to plus this value, as in the report."""

LEAST_DIFFERENCE_HU, MOST_DIFFERENCE_HU = 10, 1000
HIDDEN_HU = -1024
"""The value of voxels whose difference is not shown."""
Region: TypeAlias = "tuple[tuple[int, int, int], tuple[int, int, int]]"
"""The first voxel and the size of a box, in x, y, z."""

_GAS_HU = -300.0
_SKIN_MM = 4.0
_COARSE_MM = 3.0
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
    scene: slicer.vtkMRMLScene,
    synthetic: Volume,
    acquired: Volume,
    name: str,
    node: Volume | None = None,
    region: Region | None = None,
) -> Steps[Change[Volume]]:
    """Makes the difference of two volumes in HU, in diverging colours from -100 to 100 HU with a legend.

    Voxels that say nothing about the synthesis are `HIDDEN_HU`, and transparent: differences below 10 HU, and voxels
    outside of the region, in the skin, in air and bowel gas, and where the acquired volume has no voxels.

    Args:
        scene: Where a new node is made.
        synthetic: The minuend. The result has its grid.
        acquired: The subtrahend, on any grid.
        name: The name of the result.
        node: A node to update instead of making a new one.
        region: The first voxel and the size of the synthesized region in x, y, z. None for the whole volume.

    Returns:
        A generator of steps whose value makes or updates the node.

    Raises:
        GeometryError: While stepping, if the volumes do not overlap.
    """
    spacing = synthetic.GetSpacing()

    def subtract(first: NDArray[Any], second: NDArray[Any]) -> Mixer:
        inside = _interior(first, spacing, region)

        def slab(part: slice) -> NDArray[Any]:
            a, b = first[part], second[part]
            found = np.clip(np.subtract(a, b), -MOST_DIFFERENCE_HU, MOST_DIFFERENCE_HU)
            shown = inside(part) & (a > _GAS_HU) & (b > _GAS_HU) & (np.abs(found) >= LEAST_DIFFERENCE_HU)
            return np.where(shown, found, HIDDEN_HU)

        return slab

    content = yield from _computed(synthetic, acquired, subtract, _("Making the difference"))

    def make() -> Volume:
        result = _shown(scene, content, name, node, "difference")
        limits = (-DIFFERENCE_HU, DIFFERENCE_HU)
        paint(result, diverging(scene), limits, _("Difference (HU), red: synthetic higher"))
        shown = result.GetDisplayNode()
        shown.SetThreshold(-MOST_DIFFERENCE_HU, MOST_DIFFERENCE_HU)
        shown.ApplyThresholdOn()
        shown.InterpolateOff()  # between a hidden and a shown voxel lies no value
        return result

    return make


def _interior(
    values: NDArray[Any], spacing: tuple[float, float, float], region: Region | None
) -> Callable[[slice], NDArray[np.bool_]]:
    """Returns a function that gives the voxels of a slab in a region of the body, without the skin.

    Args:
        values: CT (z, y, x), HU.
        spacing: Voxel size (x, y, z) in mm.
        region: First voxel and size in x, y, z. None for the whole volume.
    """
    strides = [max(1, round(_COARSE_MM / step)) for step in reversed(spacing)]
    coarse = values[:: strides[0], :: strides[1], :: strides[2]]
    steps = [stride * step for stride, step in zip(strides, reversed(spacing), strict=True)]
    depth = ndimage.distance_transform_edt(body_mask(coarse), sampling=steps)
    body = depth > _SKIN_MM
    places = [np.arange(size) // stride for size, stride in zip(values.shape, strides, strict=True)]
    start, size = region or ((0, 0, 0), values.shape[::-1])
    wanted = [
        (np.arange(count) >= first) & (np.arange(count) < first + length)
        for count, first, length in zip(values.shape, reversed(start), reversed(size), strict=True)
    ]

    def slab(part: slice) -> NDArray[np.bool_]:
        inside = body[np.ix_(places[0][part], places[1], places[2])]
        return inside & wanted[0][part, None, None] & wanted[1][:, None] & wanted[2]

    return slab


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
    top = round_top(float(np.percentile(positive, 99)) if positive.size else _LEAST_UNCERTAINTY_HU)
    paint(uncertainty, sequential(scene), (0.0, top), _("Uncertainty (SD, HU)"))
    display = uncertainty.GetDisplayNode()
    display.SetThreshold(_LEAST_UNCERTAINTY_HU, _MOST_UNCERTAINTY_HU)
    display.ApplyThresholdOn()
    overlay(scene, volume, uncertainty, opacity)


def round_top(value: float) -> float:
    """The least number from `value` upwards whose quarters are round: 1, 2 or 5, times a power of ten.

    Example:
        >>> round_top(12.5)
        20.0
    """
    power = 10.0 ** np.floor(np.log10(value / 4))
    return float(next(4 * step * power for step in (1, 2, 5, 10) if 4 * step * power >= value * (1 - 1e-9)))


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
