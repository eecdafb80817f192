"""Warnings about contrast that does not fit the named phases, and about kidneys that are not fully in view.

Contrast is checked twice: in the whole volumes before any segmentation, and in the kidneys once they are known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.grids import AIR_HU, canonical, resample, smooth_for, with_spacing
from NephroSynthLib.imaging.sides import SIDE_NAMES
from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.phases.kidney_evidence import kidney_evidence, measure_kidneys

SWAPPED = (
    "The phases look swapped: the non-contrast phase shows more contrast than the excretory phase. "
    "Exchange the two inputs if so."
)
NO_CONTRAST = (
    "The excretory phase shows no contrast, so it does not show how the kidneys take contrast up. "
    "Check that the right series was given."
)
ENHANCED = (
    "The kidneys are enhanced in the non-contrast phase, as after an earlier injection of contrast. "
    "Check that the right series was given."
)
NOT_EXCRETED = (
    "The excretory phase looks like a nephrographic phase: the kidneys are enhanced, and their calyces and pelves hold "
    "no excreted contrast. Check that the right series was given."
)

_COARSE_MM = 3.0
_BODY_GRID_MM = 4.0
_LEAST_TABLE_SHIFT_MM = 25.0
_IODINE_HU, _BONE_HU = 180.0, 130.0
_BONE_MARGIN_MM = 9.0
_ENHANCEMENT_HU = 15.0
_URINE_HU = 60.0
_UNENHANCED_HU = 80.0
_CUT_MM2 = 30.0
_EARLIER = (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC)
_CLEARLY_EARLIER = 2.5  # in natural logarithms of odds: 12 to 1
_UNSEEN = 0.01


def early_contrast_warnings(noncontrast: sitk.Image, excretory: sitk.Image) -> tuple[str, ...]:
    """Compares the whole volumes of two phases, before the kidneys are known.

    Voxels count as iodine in urine if they are dense in one phase only and nothing dense lies near them in the other.
    The bodies are laid on each other first, because the table can have another height in the other phase. Then bone
    lies at the same place in both phases, and stones and oral contrast have about the same size in both.

    Args:
        noncontrast: HU, on any grid.
        excretory: HU, on any grid of the same frame of reference.

    Returns:
        A warning if the phases look swapped or the excretory phase shows no contrast.
    """
    first, second, common = _on_common_grid(noncontrast, _laid_on(noncontrast, excretory))
    voxel_ml = _COARSE_MM**3 / 1000
    margin = round(_BONE_MARGIN_MM / _COARSE_MM)

    def only_in(dense: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        explained = ndimage.binary_dilation(other > _BONE_HU, iterations=margin)
        return float(np.count_nonzero((dense > _IODINE_HU) & common & ~explained)) * voxel_ml

    in_noncontrast, in_excretory = only_in(first, second), only_in(second, first)
    if in_noncontrast > max(1.0, 4 * in_excretory):
        return (SWAPPED,)
    if in_excretory < min(2.0, max(0.5, 2 * in_noncontrast)):
        return (NO_CONTRAST,)
    return ()


def contrast_warnings(
    noncontrast: sitk.Image, excretory: sitk.Image, kidneys_nc: sitk.Image, kidneys_ep: sitk.Image
) -> tuple[str, ...]:
    """Compares the kidneys of two phases.

    Args:
        noncontrast: HU.
        excretory: HU.
        kidneys_nc: Label map on the grid of `noncontrast`: 1 right, 2 left.
        kidneys_ep: Label map on the grid of `excretory`.

    Returns:
        A warning if the phases look swapped, the excretory phase has no contrast or has not excreted it yet, or the
        non-contrast phase has contrast. The better enhanced kidney decides, because the other one may not work.
    """
    before, after = _kidney_hu(noncontrast, kidneys_nc), _kidney_hu(excretory, kidneys_ep)
    sides = before.keys() & after.keys()
    if not sides:
        return ()
    changes = np.array([after[side] - before[side] for side in sides])
    median, urine = changes[np.argmax(np.abs(changes[:, 0])), 0], changes[:, 1].max()
    if median < -_ENHANCEMENT_HU:
        return (SWAPPED,)
    if max(before[side][0] for side in sides) > _UNENHANCED_HU:
        return (ENHANCED,)
    if median < _ENHANCEMENT_HU and urine < _URINE_HU:
        return (NO_CONTRAST,)
    return (NOT_EXCRETED,) if median >= _ENHANCEMENT_HU and _before_excretion(excretory, kidneys_ep) else ()


def _before_excretion(image: sitk.Image, kidneys: sitk.Image) -> bool:
    """Tells whether enhanced kidneys look like an earlier phase than the excretory one.

    The evidence is that of the recognition of phases: excreted urine, HU, and the contrast of cortex and medulla.
    """
    grid = with_spacing(image, (_COARSE_MM,) * 3)
    hu = sitk.GetArrayFromImage(resample(smooth_for(image, (_COARSE_MM,) * 3), grid))
    measured = measure_kidneys(hu, sitk.GetArrayFromImage(resample(kidneys, grid, label=True)), _COARSE_MM)
    if measured is None:
        return False
    weights = kidney_evidence(measured).weights
    return max(weights[phase] for phase in _EARLIER) - weights[Phase.EXCRETORY] > _CLEARLY_EARLIER


def field_of_view_warnings(kidneys: sitk.Image, role: str = "non-contrast phase") -> tuple[str, ...]:
    """Returns a warning for each edge of the grid that cuts a kidney of a label map (1 right, 2 left)."""
    labels = sitk.GetArrayViewFromImage(kidneys)
    return tuple(
        f"Part of the {SIDE_NAMES[label]} kidney is outside the field of view of the {role} (cut at the {edge} edge)."
        for label in SIDE_NAMES
        for edge, face, voxel_mm2 in _faces(kidneys, labels)
        if np.count_nonzero(face == label) * voxel_mm2 > _CUT_MM2
    )


def coverage_warnings(registered: sitk.Image, kidneys: sitk.Image) -> tuple[str, ...]:
    """Returns a warning for each kidney that the excretory phase does not cover.

    Args:
        registered: Excretory phase, HU, on the non-contrast grid; -1024 HU outside its field of view.
        kidneys: Label map on the same grid: 1 right, 2 left.
    """
    hu, labels = sitk.GetArrayViewFromImage(registered), sitk.GetArrayViewFromImage(kidneys)
    shares = {
        side: float(np.mean(hu[labels == label] <= AIR_HU)) for label, side in SIDE_NAMES.items() if label in labels
    }
    return tuple(
        f"{share:.0%} of the {side} kidney is outside the excretory phase, so the result there is the non-contrast one."
        for side, share in shares.items()
        if share > _UNSEEN
    )


def _faces(image: sitk.Image, labels: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8], float]]:
    """Yields the six faces of a volume: the name of the edge, its labels, the area of a voxel on it in mm²."""
    direction = np.reshape(image.GetDirection(), (3, 3))
    names = (("right", "left"), ("front", "back"), ("lower", "upper"))
    for axis, spacing in enumerate(image.GetSpacing()):
        towards = int(np.argmax(np.abs(direction[:, axis])))
        ends = names[towards] if direction[towards, axis] > 0 else names[towards][::-1]
        area = float(np.prod(image.GetSpacing())) / spacing
        yield ends[0], np.take(labels, 0, axis=2 - axis), area
        yield ends[1], np.take(labels, -1, axis=2 - axis), area


def _kidney_hu(image: sitk.Image, kidneys: sitk.Image) -> dict[int, NDArray[np.float64]]:
    """Returns the median HU of each kidney, set by the parenchyma, and the 98th percentile, set by the calyces."""
    values, labels = sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(kidneys)
    inside = {label: values[labels == label] for label in SIDE_NAMES}
    return {label: np.percentile(hu, (50, 98)) for label, hu in inside.items() if hu.size}


def _laid_on(fixed: sitk.Image, moving: sitk.Image) -> sitk.Image:
    """Returns the moving image with its body at the place of the other, left-right and front-back.

    It stays where it is if the bodies are near each other, or overlap less after the move.
    """
    first, second = _body(fixed), _body(moving)
    shift = (_centre(second, first) - _centre(first, second))[:2]
    if np.linalg.norm(shift) < _LEAST_TABLE_SHIFT_MM:
        return moving
    move = sitk.TranslationTransform(3, [*shift.tolist(), 0.0])
    where = sitk.GetArrayViewFromImage(first) > 0
    before, after = (
        np.count_nonzero(where & (sitk.GetArrayFromImage(resample(second, first, transform, label=True)) > 0))
        for transform in (None, move)
    )
    if after <= before:
        return moving
    laid = sitk.Image(moving)
    laid.SetOrigin([place - step for place, step in zip(moving.GetOrigin(), (*shift, 0.0), strict=True)])
    return laid


def _body(image: sitk.Image) -> sitk.Image:
    """Returns a mask of the body with voxels of 4 mm."""
    upright = canonical(image)
    grid = with_spacing(upright, (_BODY_GRID_MM,) * 3)
    mask = sitk.GetImageFromArray(body_mask(sitk.GetArrayFromImage(resample(upright, grid))).astype(np.uint8))
    mask.CopyInformation(grid)
    return mask


def _centre(body: sitk.Image, other: sitk.Image) -> NDArray[np.float64]:
    """Returns the centre of a body, LPS mm, in the slices that lie within the height of the other one."""
    mask = sitk.GetArrayViewFromImage(body) > 0
    heights = body.GetOrigin()[2] + np.arange(len(mask)) * body.GetSpacing()[2]
    ends = other.GetOrigin()[2], other.GetOrigin()[2] + (other.GetSize()[2] - 1) * other.GetSpacing()[2]
    common = mask & ((heights >= ends[0]) & (heights <= ends[1]))[:, None, None]
    places = np.argwhere(common if common.any() else mask)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    return np.array(body.TransformContinuousIndexToPhysicalPoint(middle[::-1].tolist()))


def _on_common_grid(
    first: sitk.Image, second: sitk.Image
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Averages two images onto a coarse grid over the first one, and marks the voxels that both of them cover."""
    grid = with_spacing(first, (_COARSE_MM,) * 3)
    nowhere = -5000.0
    coarse = []
    for image in (first, second):
        factors = [max(1, int(_COARSE_MM / spacing)) for spacing in image.GetSpacing()]
        averaged = sitk.BinShrink(image, factors)
        coarse.append(sitk.GetArrayFromImage(resample(averaged, grid, outside=nowhere)))
    common = (coarse[0] > -4000) & (coarse[1] > -4000)
    return coarse[0], coarse[1], common
