"""Enhancement of kidneys, blood, liver, spleen and muscle in an exam, measured without labels of these organs.

All regions are looked for on a grid of 3 mm along the axes of the body, relative to the spine and the kidneys, so the
measurement does not depend on the voxel size. Each value is a median, and a tissue that is not found is None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import AIR_HU, resample
from NephroSynthLib.imaging.neighbourhood import ball, between
from NephroSynthLib.kinetics.posterior import Observed

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]

_GRID_MM = 3.0
_VOXEL_ML = _GRID_MM**3 / 1000
_BONE_HU, _DENSE_HU = 160.0, 200.0
_SOFT_BEFORE, _SOFT_AFTER = (-5.0, 90.0), (5.0, 190.0)
_LEAST_ML = 3.0
_COMPACT = 0.5


@dataclass(frozen=True)
class _Exam:
    """An exam on the coarse grid, arrays (z, y, x).

    Attributes:
        before: Non-contrast phase, HU.
        gain: Excretory phase minus non-contrast phase, HU.
        soft: Soft tissue in both phases, seen in both, away from urine with contrast.
        urine: Urine with contrast, and other tissue that becomes as dense.
        kidney: Share of kidney in each voxel.
        left, behind: Distance from the middle of the spine towards the patient's left and back, mm.
        near: Slices at the height of the kidneys.
    """

    before: Volume
    gain: Volume
    soft: Mask
    urine: Mask
    kidney: Volume
    left: Volume
    behind: Volume
    near: Mask


def tissue_enhancement(noncontrast: sitk.Image, excretory: sitk.Image, kidneys: sitk.Image) -> Observed:
    """Measures the enhancement of tissues between two aligned phases.

    Args:
        noncontrast: HU, any grid.
        excretory: HU, registered, on the same grid; -1024 HU where it was not acquired.
        kidneys: Label map on the same grid, kidneys above 0.

    Returns:
        The medians, and the volume of the renal parenchyma without cysts and collecting system.

    Example:
        >>> tissue_enhancement(noncontrast, registered, labels).kidney
    """
    exam = _coarse_exam(noncontrast, excretory, kidneys)
    kidney, share = _kidney(exam)
    array = sitk.GetArrayViewFromImage(kidneys) > 0
    volume_ml = float(np.count_nonzero(array)) * float(np.prod(kidneys.GetSpacing())) / 1000 * share
    return Observed(
        kidney=kidney,
        blood=_blood(exam),
        liver=_organ(exam, (exam.left < -25) & (exam.behind < 60), erosions=3, least_ml=60.0, least_gain=3.0),
        spleen=_organ(exam, (exam.left > 45) & (exam.behind > -60), erosions=2, least_ml=8.0, least_gain=8.0),
        muscle=_muscle(exam),
        parenchyma_ml=volume_ml if volume_ml > 0 else None,
    )


def _coarse_exam(noncontrast: sitk.Image, excretory: sitk.Image, kidneys: sitk.Image) -> _Exam:
    before = _coarse(noncontrast, AIR_HU)
    after = _coarse(excretory, AIR_HU)
    unseen = sitk.GetArrayFromImage(_coarse(excretory <= AIR_HU, 1.0)) > 0.01
    kidney = sitk.GetArrayFromImage(_coarse(kidneys > 0, 0.0))
    first, second = sitk.GetArrayFromImage(before), sitk.GetArrayFromImage(after)
    urine = (second > _DENSE_HU) & (first < _BONE_HU)
    soft = between(first, *_SOFT_BEFORE) & between(second, *_SOFT_AFTER) & ~unseen
    soft &= ~ndimage.binary_dilation(urine, iterations=1)
    slices = np.flatnonzero((kidney > 0.5).any(axis=(1, 2)))
    near = np.zeros((len(first), 1, 1), bool)
    if slices.size:
        near[slices[0] : slices[-1] + 1] = True
    left, behind = _from_spine(first, near)
    return _Exam(first, second - first, soft, urine, kidney, left, behind, near)


def _coarse(image: sitk.Image, outside: float) -> sitk.Image:
    """Returns the image averaged onto the coarse grid along the axes of the body."""
    image = sitk.DICOMOrient(image, "LPS")
    image = sitk.BinShrink(
        sitk.Cast(image, sitk.sitkFloat32), [max(1, round(_GRID_MM / s)) for s in image.GetSpacing()]
    )
    size = [max(1, round(n * s / _GRID_MM)) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    grid = sitk.Image(size, sitk.sitkUInt8)
    grid.SetSpacing((_GRID_MM,) * 3)
    grid.SetOrigin(image.GetOrigin())
    grid.SetDirection(image.GetDirection())
    return resample(image, grid, outside=outside)


def _from_spine(values: Volume, near: Mask) -> tuple[Volume, Volume]:
    """Returns the distances to the left of and behind the middle of the spine at the height of the kidneys, mm."""
    chosen = values[near[:, 0, 0]] if near.any() else values
    bone = ndimage.gaussian_filter(np.mean(chosen > _BONE_HU, axis=0), 12 / _GRID_MM)
    margin = bone.shape[1] // 5
    middle = bone[:, margin : bone.shape[1] - margin]
    y, x = np.unravel_index(int(np.argmax(middle)), middle.shape)
    left = (np.arange(values.shape[2], dtype=np.float32) - margin - x)[None, None, :] * _GRID_MM
    return left, (np.arange(values.shape[1], dtype=np.float32) - y)[None, :, None] * _GRID_MM


def _kidney(exam: _Exam) -> tuple[float | None, float]:
    """Returns the median gain of the parenchyma, and the share of parenchyma in the kidneys.

    The gain is that of tissue which gains at least half as much as the median, which leaves out cysts and necrosis. The
    share leaves out urine with contrast, and tissue that gains little and is too thick for the blurred border of a
    kidney.
    """
    labelled = exam.kidney > 0.5
    inside = ndimage.binary_erosion(labelled) & exam.soft
    if np.count_nonzero(inside) * _VOXEL_ML < _LEAST_ML:
        return None, 1.0
    gain = exam.gain[inside]
    kept = gain[gain > 0.5 * np.median(gain)]
    cysts = ndimage.binary_opening(labelled & ~exam.urine & (exam.gain < 0.4 * np.median(kept)))
    other = labelled & (exam.urine | cysts)
    return float(np.median(kept)), 1 - float(np.count_nonzero(other) / np.count_nonzero(labelled))


def _blood(exam: _Exam) -> float | None:
    """Returns the gain of aorta and vena cava: the compact structures before the spine that gain most.

    Where the field of view holds no vessel, what gains most is scattered, and its compact part gains far less: None.
    """
    region = exam.near & (np.abs(exam.left) < 42) & between(exam.behind, -75.0, -8.0) & (exam.kidney < 0.05)
    gain = np.where(exam.soft & region, exam.gain, -50.0)
    compact = ndimage.grey_opening(ndimage.gaussian_filter(gain, 0.6), footprint=ball(5.0, _GRID_MM))
    core = compact[exam.soft & region]
    count = round(8.0 / _VOXEL_ML)
    if core.size < 2 * count:
        return None
    level = np.partition(core, core.size - count)[core.size - count]
    gained = float(np.median(exam.gain[exam.soft & region & (compact >= level)]))
    return gained if level >= _COMPACT * gained else None


def _organ(exam: _Exam, region: Mask, *, erosions: int, least_ml: float, least_gain: float) -> float | None:
    """Returns the median gain of the largest thick piece of homogeneous tissue in a region."""
    smooth = ndimage.gaussian_filter(np.where(exam.soft, exam.gain, -50.0), 0.8)
    tissue = exam.soft & region & (exam.kidney < 0.05) & (smooth > least_gain) & (exam.before > 20)
    parts, count = ndimage.label(ndimage.binary_erosion(tissue, iterations=erosions))
    if count == 0:
        return None
    largest = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    if np.count_nonzero(largest) * _VOXEL_ML < least_ml:
        return None
    return float(np.median(exam.gain[largest]))


def _muscle(exam: _Exam) -> float | None:
    """Returns the median gain of the muscle beside and behind the spine."""
    region = exam.near & between(exam.behind, 5.0, 60.0) & between(np.abs(exam.left), 15.0, 65.0)
    tissue = exam.soft & region & (exam.kidney < 0.05) & (exam.before > 25)
    core = ndimage.binary_erosion(tissue, iterations=1)
    if np.count_nonzero(core) * _VOXEL_ML < _LEAST_ML:
        return None
    return float(np.median(exam.gain[core]))
