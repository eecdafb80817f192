"""Evidence from the images: the brightest compact tissue, urine dense with contrast, and the kidneys.

One image alone shows the HU of its brightest compact tissue (aorta, kidney, liver). A comparison of two images of an
exam shows more: the gain of the tissues, and urine that is dense in only one of them. Bone, stones and oral contrast
are dense in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.neighbourhood import ball, between
from NephroSynthLib.phases.evidence import Evidence, Phase
from NephroSynthLib.phases.kidney_evidence import Kidneys, kidney_evidence, measure_kidneys

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]
Segment = Callable[[sitk.Image], sitk.Image]

_GRID_MM = 3.0
_VOXEL_ML = _GRID_MM**3 / 1000
_COMPACT_RADIUS_MM = 6.1
_OUTSIDE = -2000.0
_SOFT = (-10.0, 350.0)
_URINE_HU, _URINE_OVER_TISSUE_HU = 300.0, 80.0
_DENSE_HU = 130.0
_MASSIVE_HU = 330.0  # bone and oral contrast; no organ is as bright, the aorta hardly ever
_LEVEL_ML, _GAIN_ML, _WIDE_GAIN_ML = 60.0, 15.0, 60.0
_LUNG_HU = -400.0
_LEAST_ABDOMEN_MM = 75.0

# Mean and standard deviation of the brightest compact tissue, HU: aorta, renal parenchyma or liver, whichever is
# brightest. Ranges of each in the phases of CT urography: see NephroSynthLib/simulation/attenuation.py.
_LEVELS: Mapping[Phase, tuple[float, float]] = {
    Phase.NONCONTRAST: (68.0, 20.0),
    Phase.CORTICOMEDULLARY: (240.0, 70.0),
    Phase.NEPHROGRAPHIC: (165.0, 50.0),
    Phase.EXCRETORY: (110.0, 35.0),
}
_UNLIKELY = -1.2  # bone and oral contrast may brighten any image
_NO_KIDNEYS = 10.0  # more than all tags together
_NO_KIDNEYS_FOUND = 3.0  # a segmentation may fail


@dataclass(frozen=True)
class Attenuation:
    """One image on a coarse grid.

    Attributes:
        grid: The image itself, HU, LPS axes, 3 mm.
        tissue: (z, y, x) HU of compact tissue: structures thinner than 12 mm take the HU of their surroundings.
        level: HU that the brightest 60 ml of compact tissue beside the spine reach.
        abdomen_mm: Height of the body in view where no lung lies beside the spine, mm.
        searched: Whether kidneys were looked for.
        kidneys: Their measurement; None if none was found.
    """

    grid: sitk.Image
    tissue: Volume
    level: float
    abdomen_mm: float
    searched: bool = False
    kidneys: Kidneys | None = None

    @property
    def values(self) -> Volume:
        """(z, y, x) HU."""
        return np.asarray(sitk.GetArrayViewFromImage(self.grid))


@dataclass(frozen=True)
class Comparison:
    """One image beside another of the same study.

    Attributes:
        gain: HU by which the 15 ml of tissue that gain most are brighter, less those by which others are darker.
        wide_gain: HU by which the 60 ml that gain most are brighter; vessels and cortex alone are less than that.
        wide_loss: HU by which the 60 ml that lose most are darker.
        breadth: The gain of 60 ml of tissue, as a part of that of 15 ml, on the side of the brighter image.
        urine: Logarithm of the ratio of the volumes (ml, plus 1) of dense urine that only this and only the other has.
        urine_ml: Volume of dense urine that only the first has.
        kidney_gain: HU by which its kidneys are brighter; None where they are not known in both.
    """

    gain: float
    wide_gain: float
    wide_loss: float
    breadth: float
    urine: float
    urine_ml: float
    kidney_gain: float | None = None


def measure(image: sitk.Image) -> Attenuation:
    """Measures one image (3D CT, HU)."""
    grid = _coarse(image)
    values = sitk.GetArrayFromImage(grid)
    tissue = _compact(values)
    spine = _beside_and_behind_spine(values)
    level, abdomen_mm = _level(tissue, *spine), _abdomen_mm(values, *spine)
    return Attenuation(grid, tissue, level, abdomen_mm)


def with_kidneys(measured: Attenuation, segment: Segment) -> Attenuation:
    """Adds the measurement of the kidneys.

    Args:
        measured: An image.
        segment: Finds the kidneys (labels above 0) on the grid of a CT.
    """
    labels = sitk.GetArrayFromImage(segment(measured.grid))
    return replace(measured, searched=True, kidneys=measure_kidneys(measured.values, labels, _GRID_MM))


def image_evidence(measured: Attenuation) -> list[Evidence]:
    """Returns the evidence from one image alone: its kidneys, or else its brightest tissue."""
    if measured.kidneys is not None:
        evidence = [kidney_evidence(measured.kidneys)]
    else:
        evidence = [Evidence("image", f"brightest tissue {measured.level:.0f} HU", _weights(measured.level))]
    if measured.abdomen_mm < _LEAST_ABDOMEN_MM:
        text = f"only {measured.abdomen_mm:.0f} mm of the abdomen, too little for kidneys"
        evidence.append(Evidence("image", text, {Phase.OTHER: _NO_KIDNEYS}))
    if measured.searched and measured.kidneys is None:
        evidence.append(Evidence("image", "no kidney is found", {Phase.OTHER: _NO_KIDNEYS_FOUND}))
    return evidence


def compare(one: Attenuation, other: Attenuation) -> Comparison | None:
    """Compares two images of one frame of reference; None if they hardly overlap."""
    there = sitk.GetArrayFromImage(sitk.Resample(other.grid, one.grid, sitk.Transform(), sitk.sitkLinear, _OUTSIDE))
    here, common = one.values, there > _OUTSIDE / 2
    if common.mean() < 0.25:
        return None
    smooth_here, smooth_there = ndimage.gaussian_filter(here, 0.7), ndimage.gaussian_filter(there, 0.7)
    soft = common & between(smooth_here, *_SOFT) & between(smooth_there, *_SOFT)
    if np.count_nonzero(soft) * _VOXEL_ML < 10 * _GAIN_ML:
        return None
    difference = smooth_here - smooth_there
    gain, wide_gain = _gains(difference, soft)
    loss, wide_loss = _gains(-difference, soft)
    breadth = wide_gain / max(gain, 1.0) if gain >= loss else wide_loss / max(loss, 1.0)
    urine = _urine_ml(here, one.tissue, there, common)
    other_urine = _urine_ml(there, _compact(there), here, common)
    ratio = float(np.log((urine + 1) / (other_urine + 1)))
    return Comparison(gain - loss, wide_gain, wide_loss, breadth, ratio, urine)


def with_kidney_gain(comparison: Comparison, one: Attenuation, other: Attenuation) -> Comparison:
    """Adds the difference between the kidneys of both images, where they are known."""
    if one.kidneys is None or other.kidneys is None:
        return comparison
    return replace(comparison, kidney_gain=one.kidneys.hu - other.kidneys.hu)


def _gains(difference: Volume, soft: Mask) -> tuple[float, float]:
    """Returns the HU by which the 15 ml and the 60 ml of soft tissue with the largest gain are brighter."""
    compact = _compact(np.where(soft, difference, -50.0))
    return _top(compact, soft, _GAIN_ML), _top(compact, soft, _WIDE_GAIN_ML)


def _coarse(image: sitk.Image) -> sitk.Image:
    """Returns the image averaged onto a 3 mm grid along the axes of the body."""
    image = sitk.DICOMOrient(sitk.Cast(image, sitk.sitkFloat32), "LPS")
    image = sitk.BinShrink(image, [max(1, round(_GRID_MM / spacing)) for spacing in image.GetSpacing()])
    size = [max(1, round(n * s / _GRID_MM)) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    grid = (image.GetOrigin(), (_GRID_MM,) * 3, image.GetDirection())
    return sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, *grid, -1024.0)


def _beside_and_behind_spine(values: Volume) -> tuple[Volume, Volume]:
    """Returns the distances from the middle of the spine to the side (1, x) and to the back (y, 1), mm."""
    bone = ndimage.gaussian_filter(np.mean(values > 160, axis=0), 12 / _GRID_MM)
    margin = bone.shape[1] // 5
    middle = bone[:, margin : bone.shape[1] - margin]
    spine_y, spine_x = np.unravel_index(int(np.argmax(middle)), middle.shape)
    beside = np.abs(np.arange(values.shape[2]) - margin - spine_x)[None, :] * _GRID_MM
    return beside, (np.arange(values.shape[1]) - spine_y)[:, None] * _GRID_MM


def _level(tissue: Volume, beside: Volume, behind: Volume) -> float:
    """Returns the HU reached by the brightest tissue left, right and in front of the vertebral bodies."""
    spine = (beside < 36) & (behind > -26)
    region = ~spine & (beside < 100) & (behind > -90) & (behind < 25)
    massive = ndimage.binary_dilation(tissue > _MASSIVE_HU, iterations=3)
    return _top(tissue, region & ~massive, _LEVEL_ML)


def _abdomen_mm(values: Volume, beside: Volume, behind: Volume) -> float:
    """Returns the height in mm of the slices without lung beside the spine, where the kidneys lie."""
    region = (beside > 30) & (beside < 85) & (behind > -20) & (behind < 30)
    body = np.stack([ndimage.binary_fill_holes(piece > _LUNG_HU) for piece in values])
    lung = np.mean((body & (values < _LUNG_HU))[:, region], axis=1)
    return float(np.count_nonzero(lung < 0.15)) * _GRID_MM


def _top(values: Volume, mask: Mask, volume_ml: float) -> float:
    """Returns the value that the brightest `volume_ml` inside the mask reach."""
    inside = values[mask]
    rank = min(inside.size, max(1, round(volume_ml / _VOXEL_ML)))
    return float(np.partition(inside, inside.size - rank)[inside.size - rank]) if inside.size else 0.0


def _urine_ml(values: Volume, tissue: Volume, other: Volume, common: Mask) -> float:
    """Returns the volume in ml of dense thin structures here that have nothing dense near them in the other image."""
    dense = (values > _URINE_HU) & (values - tissue > _URINE_OVER_TISSUE_HU) & common
    explained = ndimage.binary_dilation(other > _DENSE_HU, iterations=3)
    return float(np.count_nonzero(dense & ~explained)) * _VOXEL_ML


def _compact(values: Volume) -> Volume:
    return np.asarray(ndimage.grey_opening(np.clip(values, -200, 800), footprint=ball(_COMPACT_RADIUS_MM, _GRID_MM)))


def _weights(level: float) -> dict[Phase, float]:
    """Returns the log-likelihood of a level in each phase: normal, bounded below, and constant for `OTHER`."""
    weights = {Phase.OTHER: -3.0 - np.log(50.0)}
    for phase, (mean, deviation) in _LEVELS.items():
        weights[phase] = -(((level - mean) / deviation) ** 2) / 2 - np.log(deviation)
    best = max(weights.values())
    return {phase: max(_UNLIKELY, float(weight - best)) for phase, weight in weights.items()}
