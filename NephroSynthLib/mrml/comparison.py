"""Volumes that compare two other volumes: checkerboard, difference, and uncertainty over the synthetic phase.

A volume is computed in a thread, a few slices at a time, so that the work takes hardly more memory than its result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import slicer
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.local_mean import LocalMean
from NephroSynthLib.mrml.colours import diverging, paint, sequential, show_legend
from NephroSynthLib.mrml.common_grid import NOWHERE, Box, OnGrid
from NephroSynthLib.mrml.display import set_ct_window
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import first_voxel_to_ras, new_voxels, voxels
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
    "uncertainty_colours",
]

DIFFERENCE_HU = 100.0
"""The colours of a difference range from minus to plus this value, as in the report."""

LEAST_DIFFERENCE_HU, MOST_DIFFERENCE_HU = 10, 1000
NOISE_MM = 1.5
"""The standard deviation of the Gaussian whose mean tells a difference from noise."""

HIDDEN_HU = -1024
"""The value of voxels whose difference is not shown."""
Region: TypeAlias = "tuple[tuple[int, int, int], tuple[int, int, int]]"
"""The first voxel and the size of a box, in x, y, z."""

_GAS_HU = -300.0
_SKIN_MM = 4.0
_COARSE_MM = 3.0
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

    def mix(first: NDArray[Any], second: OnGrid) -> tuple[Filler, ...]:
        depth, height, width = first.shape
        side = max(width * spacing[0], height * spacing[1]) / tiles
        x, y, z = (
            (np.arange(size) * step // side).astype(int) % 2 == 1
            for size, step in zip((width, height, depth), spacing, strict=True)
        )
        odd = x ^ y[:, np.newaxis]

        def fill(part: slice, target: NDArray[Any]) -> None:
            other = _signed(second[part, slice(0, height), slice(0, width)])
            there = odd ^ z[part, np.newaxis, np.newaxis]
            np.copyto(target, first[part])
            np.copyto(target, other, where=there if second.exact else there & (other > NOWHERE))

        return (fill,)

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

    Voxels that say nothing about the synthesis are `HIDDEN_HU`, and transparent: voxels outside of the region, in the
    skin, in air and bowel gas, where the acquired volume has no voxels, and where the difference is less than 10 HU in
    the mean of its surroundings. So noise, whose mean is zero, does not show, and a difference has no holes by noise.

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

    def subtract(first: NDArray[Any], second: OnGrid) -> tuple[Filler, ...]:
        box = _box(first.shape, region)
        inside = _interior(first, spacing, box)
        mean = LocalMean(tuple(part.stop - part.start for part in box), spacing, NOISE_MM)

        def fill(slab: slice, target: NDArray[Any]) -> None:
            target.fill(HIDDEN_HU)
            part = _common(slab, box[0])
            a, b = _signed(first[part, box[1], box[2]]), _signed(second[part, box[1], box[2]])
            found = np.clip(np.subtract(a, b), -MOST_DIFFERENCE_HU, MOST_DIFFERENCE_HU)
            valid = inside(part) & (a > _GAS_HU) & (b > _GAS_HU)
            np.copyto(target[_moved(part, slab), box[1], box[2]], found, where=valid)
            mean.add(part.start - box[0].start, found, valid)

        def hide(slab: slice, target: NDArray[Any]) -> None:
            part = _common(slab, box[0])
            seen = target[_moved(part, slab), box[1], box[2]]
            np.copyto(seen, HIDDEN_HU, where=np.abs(mean[_moved(part, box[0])]) < LEAST_DIFFERENCE_HU)

        return fill, hide

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


def _box(shape: tuple[int, ...], region: Region | None) -> Box:
    """The part of a region that lies in voxels of a shape (z, y, x). All of them without a region."""
    start, size = region or ((0, 0, 0), shape[::-1])
    z, y, x = (
        slice(max(0, first), min(count, first + length))
        for count, first, length in zip(shape, reversed(start), reversed(size), strict=True)
    )
    return z, y, x


def _common(a: slice, b: slice) -> slice:
    """The slices of `a` that lie in `b`, maybe none."""
    start = min(max(a.start, b.start), b.stop)
    return slice(start, max(start, min(a.stop, b.stop)))


def _moved(part: slice, whole: slice) -> slice:
    """The slices of a part, counted from the first slice of the whole."""
    return slice(part.start - whole.start, part.stop - whole.start)


def _interior(
    values: NDArray[Any], spacing: tuple[float, float, float], box: Box
) -> Callable[[slice], NDArray[np.bool_]]:
    """Returns a function that gives the voxels of a slab in a box that lie in the body, below the skin.

    Args:
        values: CT (z, y, x), HU.
        spacing: Voxel size (x, y, z) in mm.
        box: The voxels that count. The slices far above and below them are not looked at.
    """
    strides = [max(1, round(_COARSE_MM / step)) for step in reversed(spacing)]
    margin = round(2 * _SKIN_MM / spacing[2]) + strides[0]
    first = max(0, box[0].start - margin) // strides[0] * strides[0]
    coarse = values[first : box[0].stop + margin : strides[0], :: strides[1], :: strides[2]]
    steps = [stride * step for stride, step in zip(strides, reversed(spacing), strict=True)]
    body = ndimage.distance_transform_edt(body_mask(coarse), sampling=steps) > _SKIN_MM
    y, x = (np.arange(part.start, part.stop) // stride for part, stride in zip(box[1:], strides[1:], strict=True))

    def slab(part: slice) -> NDArray[np.bool_]:
        z = (np.arange(part.start, part.stop) - first) // strides[0]
        return np.asarray(body[np.ix_(z, y, x)])

    return slab


def uncertainty_colours(scene: slicer.vtkMRMLScene, uncertainty: Volume) -> Steps[Change[Volume]]:
    """Gives the uncertainty colours with a legend, which suit its values. Values below 1 HU are transparent.

    Args:
        scene: The scene.
        uncertainty: The standard deviation in HU.

    Returns:
        A generator of steps whose value changes the display of the volume, and returns the volume.
    """
    everything = voxels(uncertainty.GetImageData()).ravel()

    def work() -> float:
        values = everything[:: max(1, everything.size // _MOST_SAMPLES)]
        positive = values[values > _LEAST_UNCERTAINTY_HU]
        return round_top(float(np.percentile(positive, 99)) if positive.size else _LEAST_UNCERTAINTY_HU)

    top = yield from in_background(work, Step(0.0, _("Measuring the uncertainty")))

    def make() -> Volume:
        paint(uncertainty, sequential(scene), (0.0, top), _("Uncertainty (SD, HU)"))
        display = uncertainty.GetDisplayNode()
        display.SetThreshold(_LEAST_UNCERTAINTY_HU, _MOST_UNCERTAINTY_HU)
        display.ApplyThresholdOn()
        return uncertainty

    return make


def round_top(value: float) -> float:
    """The least number from `value` upwards whose quarters are round: 1, 2 or 5, times a power of ten.

    Example:
        >>> round_top(12.5)
        20.0
    """
    power = 10.0 ** np.floor(np.log10(value / 4))
    return float(next(4 * step * power for step in (1, 2, 5, 10) if 4 * step * power >= value * (1 - 1e-9)))


Filler = Callable[[slice, "NDArray[Any]"], None]
"""Fills the voxels of a slab of slices."""


def _computed(
    a: Volume, b: Volume, mix: Callable[[NDArray[Any], OnGrid], tuple[Filler, ...]], message: str
) -> Steps[Content]:
    """Computes a volume on the grid of `a`.

    Args:
        a: A volume.
        b: The other one, on any grid.
        mix: Takes the voxels (z, y, x) of `a` and those of `b` on the same grid. Gives functions, each of which then
            goes over the whole result.
        message: Names the work.
    """
    first, second = in_world(a), in_world(b)
    problem = GeometryError(
        _("'{first}' and '{second}' do not overlap.").format(first=a.GetName(), second=b.GetName()),
        Action.GIVE_ONE_EXAM,
    )

    def work() -> Content:
        data, matrix = first
        others = OnGrid(second, first)
        if not others.overlaps:
            raise problem
        values = voxels(data)
        fillers = mix(values, others)
        kinds = (_signed(values[:0]).dtype, _signed(voxels(second[0])[:0]).dtype)
        result = new_voxels(values.shape, np.result_type(*kinds) if others.exact else np.float32)
        target = voxels(result)
        for fill in fillers:
            for start in range(0, len(values), _SLAB):
                part = slice(start, min(start + _SLAB, len(values)))
                fill(part, target[part])
        return Content(result, first_voxel_to_ras(data, matrix))

    return (yield from in_background(work, Step(0.0, message)))


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
