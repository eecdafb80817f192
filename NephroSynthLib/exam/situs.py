"""The sides of the body by its anatomy: the liver, the largest solid organ under the diaphragm, lies on the right.

Two phases that are both mirrored under headers that hide it agree with each other, so only the anatomy can tell. A
large spleen, a fatty or a shrunken liver and a field of view without the liver must not be taken for a mirrored image.
Therefore the images count as mirrored only if lung is in view on both sides, so that the whole height of the liver
is, if a large homogeneous organ lies on the left, and if the right shows none of a seventh of its size, be it solid or
fatty, healthy or full of lesions. Content of bowel and stomach is more heterogeneous than any organ.

Ascites and a stomach full of water look like a fatty liver until contrast is given. Even a fatty liver takes it up, so
in an enhanced image tissue as dark as water is no liver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.grids import canonical, resample, with_spacing
from NephroSynthLib.imaging.sides import midline

MIRRORED = (
    "The largest solid organ under the diaphragm lies on the left in both phases, and none of its size on the right, "
    "where the liver should be. Either the images are mirrored under headers that hide it, so that right and left are "
    "exchanged, or the patient has situs inversus. Check the sides against the patient's records."
)

_GRID_MM = 4.0
_RADIUS_MM = 25.0
_SOLID_HU, _FATTY_HU, _ENHANCED_FATTY_HU = (25.0, 250.0), (-15.0, 45.0), (15.0, 45.0)
_ENHANCED_HU, _ENHANCEMENT_HU = 75.0, 10.0
_LUNG_HU = (-930.0, -600.0)
_HOMOGENEOUS_HU, _WITH_LESIONS_HU = 20.0, 35.0
_LEAST_LATERAL_MM = 30.0
_LEAST_LIVER_ML, _LEAST_LUNG_ML = 300.0, 2.0
_MOST_OPPOSITE = 0.15

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Organ:
    """A thick piece of tissue: volume, distance of its centre to the left of the midline, HU, half their range."""

    ml: float
    lateral_mm: float
    hu: float
    spread_hu: float

    def is_beside(self, side: int, most_spread_hu: float) -> bool:
        """Tells whether it lies beside the spine, on the left (1) or the right (-1), and is as uniform as an organ."""
        return side * self.lateral_mm > _LEAST_LATERAL_MM and self.spread_hu < most_spread_hu


@dataclass(frozen=True)
class _Abdomen:
    """A CT with lung on both sides: smoothed HU, the body, distances to the left of the midline, its solid organs."""

    smooth: NDArray[np.floating]
    body: Mask
    lateral: NDArray[np.floating]
    solid: tuple[_Organ, ...]

    @classmethod
    def of(cls, image: sitk.Image) -> _Abdomen | None:
        """Measures a CT; None where the lungs, and so the upper end of the liver, are out of view."""
        patient = canonical(image)
        averaged = sitk.BinShrink(patient, [max(1, int(_GRID_MM / spacing)) for spacing in patient.GetSpacing()])
        hu = sitk.GetArrayFromImage(resample(averaged, with_spacing(patient, (_GRID_MM,) * 3)))
        lateral = np.arange(hu.shape[2]) * _GRID_MM
        lateral -= midline(hu, lateral, _GRID_MM**3)
        body = body_mask(hu)
        smooth = ndimage.gaussian_filter(hu, 1.0)
        if min(_lung_ml(smooth, body, side) for side in (lateral < 0, lateral > 0)) < _LEAST_LUNG_ML:
            return None
        return cls(smooth, body, lateral, tuple(_thick_organs(smooth, body, lateral, _SOLID_HU)))

    @property
    def left(self) -> _Organ | None:
        """The largest homogeneous solid organ on the left, if it has the size of a liver."""
        beside = [one for one in self.solid if one.is_beside(1, _HOMOGENEOUS_HU)]
        largest = max(beside, key=lambda one: one.ml, default=None)
        return largest if largest and largest.ml >= _LEAST_LIVER_ML else None

    def shows_no_liver_on_right(self, fatty_hu: tuple[float, float]) -> bool:
        """Tells whether the right has no organ of a seventh of the left one, solid or in a range of fatty livers."""
        fatty = _thick_organs(self.smooth, self.body, self.lateral, fatty_hu)
        right = max((one.ml for one in (*self.solid, *fatty) if one.is_beside(-1, _WITH_LESIONS_HU)), default=0.0)
        return self.left is not None and right < _MOST_OPPOSITE * self.left.ml


def situs_warnings(noncontrast: sitk.Image, excretory: sitk.Image) -> tuple[str, ...]:
    """Returns a warning if both phases show the liver on the left.

    Args:
        noncontrast: HU, on any grid.
        excretory: HU, on any grid.
    """
    return (MIRRORED,) if show_liver_on_left(noncontrast, excretory) else ()


def show_liver_on_left(noncontrast: sitk.Image, excretory: sitk.Image) -> bool:
    """Tells whether both phases surely show the liver on the left of the patient, by their headers.

    If the organ on the left is enhanced, fluid in the non-contrast phase is told from a fatty liver by the excretory
    phase.

    Args:
        noncontrast: HU, on any grid.
        excretory: HU, on any grid.
    """
    before = _Abdomen.of(noncontrast)
    if before is None or before.left is None:
        return False
    after = _Abdomen.of(excretory)
    if after is None or after.left is None:
        return False
    if after.left.hu > min(_ENHANCED_HU, before.left.hu + _ENHANCEMENT_HU):
        return before.shows_no_liver_on_right(_SOLID_HU) and after.shows_no_liver_on_right(_ENHANCED_FATTY_HU)
    return all(phase.shows_no_liver_on_right(_FATTY_HU) for phase in (before, after))


def _lung_ml(smooth: NDArray[np.floating], body: Mask, side: Mask) -> float:
    """Returns the volume of lung on one side. Bowel gas is darker, and its border is thin."""
    lung = (smooth > _LUNG_HU[0]) & (smooth < _LUNG_HU[1]) & body
    return float(np.count_nonzero(ndimage.binary_opening(lung, iterations=2)[:, :, side])) * _GRID_MM**3 / 1000


def _thick_organs(
    smooth: NDArray[np.floating], body: Mask, lateral: NDArray[np.floating], hu: tuple[float, float]
) -> Iterator[_Organ]:
    """Yields the pieces of tissue in a range of HU that hold a ball of 25 mm radius, without their thin parts."""
    tissue = np.pad((smooth > hu[0]) & (smooth < hu[1]) & body, 1, mode="edge")
    core = ndimage.distance_transform_edt(tissue, sampling=_GRID_MM)[1:-1, 1:-1, 1:-1] > _RADIUS_MM
    if not core.any():
        return
    pieces, count = ndimage.label(core)
    distance, nearest = ndimage.distance_transform_edt(~core, sampling=_GRID_MM, return_indices=True)
    owner = np.where(distance <= _RADIUS_MM, pieces[tuple(nearest)], 0)
    for piece in range(1, count + 1):
        inside = owner == piece
        low, median, high = np.percentile(smooth[inside], (16, 50, 84))
        columns = np.nonzero(inside)[2]
        yield _Organ(
            len(columns) * _GRID_MM**3 / 1000, float(lateral[columns].mean()), float(median), float(high - low) / 2
        )
