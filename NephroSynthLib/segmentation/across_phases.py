"""Agreement of the kidneys of two phases of one exam: a kidney that one phase shows, the other must not contradict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import resample, with_spacing
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.segmentation.segmenter import Segmentation, volumes_ml

_GRID_MM = 3.0
_LEAST_OVERLAP = 0.05
_LEAST_COVERED = 0.8
_ENHANCEMENT_HU = 15.0
_NOWHERE = -5000.0

Points = NDArray[np.float64]


@dataclass(frozen=True)
class _Phase:
    """One phase: its name, HU on 3 mm voxels, and the points (N, 3) of each kidney in LPS mm, on the same voxels."""

    name: str
    hu: sitk.Image
    kidneys: dict[str, Points]
    found: Segmentation

    @classmethod
    def of(cls, name: str, image: sitk.Image, found: Segmentation) -> _Phase:
        grid = with_spacing(image, (_GRID_MM,) * 3)
        labels = resample(found.labels, grid, label=True)
        indices = {side: np.argwhere(sitk.GetArrayViewFromImage(labels) == label) for side, label in SIDES.items()}
        steps = np.reshape(grid.GetDirection(), (3, 3)) * _GRID_MM
        kidneys = {
            side: voxels[:, ::-1] @ steps.T + grid.GetOrigin() for side, voxels in indices.items() if voxels.size
        }
        return cls(name, resample(image, grid, outside=_NOWHERE), kidneys, found)

    def hu_at(self, points: Points) -> NDArray[np.float64]:
        """Returns the HU at points, those outside the field of view left out."""
        size = np.array(self.hu.GetSize())
        steps = np.reshape(self.hu.GetDirection(), (3, 3)) * _GRID_MM
        indices = np.rint(np.linalg.solve(steps, (points - self.hu.GetOrigin()).T).T).astype(int)
        inside = indices[((indices >= 0) & (indices < size)).all(axis=1)]
        values = np.asarray(sitk.GetArrayViewFromImage(self.hu)[tuple(inside.T[::-1])], dtype=np.float64)
        return values[values > _NOWHERE / 2]


def without_contradictions(
    noncontrast: sitk.Image, fixed: Segmentation, excretory: sitk.Image, moving: Segmentation
) -> tuple[Segmentation, Segmentation]:
    """Leaves out each kidney that the other phase contradicts, and says so in a warning.

    The kidney of the other side tells how the patient lies in the second phase against the first one. A kidney is
    contradicted in two cases: both phases show it, and the two do not overlap; or one phase shows it, the other one
    covers its place, no kidney was found there, and the tissue there does not enhance. Kidneys that a user gave, and
    the last kidney of an exam, are kept.

    Args:
        noncontrast: HU.
        fixed: Its kidneys.
        excretory: HU, in the same frame of reference.
        moving: Its kidneys.

    Returns:
        The kidneys of both phases that remain.
    """
    if fixed.model[0] == "given":
        return fixed, moving
    first, second = _Phase.of("non-contrast phase", noncontrast, fixed), _Phase.of("excretory phase", excretory, moving)
    doubts = dict(_contradictions(first, second))
    if fixed.volumes_ml.keys() <= doubts.keys():
        return replace(fixed, warnings=(*fixed.warnings, *doubts.values())), moving
    return _without(fixed, doubts, tuple(doubts.values())), _without(moving, doubts)


def _contradictions(first: _Phase, second: _Phase) -> Iterator[tuple[str, str]]:
    """Yields each side that is contradicted, with a sentence for the user."""
    apart = {side: share for side in SIDES if (share := _overlap(first, second, side)) < _LEAST_OVERLAP}
    if len(apart) == len(SIDES):  # each is judged by the other one, so the less plausible one is wrong
        apart = {min(apart, key=lambda side: _plausibility(first, second, side)): min(apart.values())}
    for side, share in apart.items():
        yield (
            side,
            f"The {side} kidney was left out: the two phases show it at different places (overlap {share:.2f}).",
        )
    for here, there in ((first, second), (second, first)):
        for side in here.kidneys.keys() - there.kidneys.keys():
            at_place = there.hu_at(here.kidneys[side] + _shift(here, there, side))
            if at_place.size < _LEAST_COVERED * len(here.kidneys[side]):
                continue
            own = here.hu_at(here.kidneys[side])
            before, after = (np.median(values) for values in ((own, at_place) if here is first else (at_place, own)))
            if after - before < _ENHANCEMENT_HU:
                yield (
                    side,
                    f"The {side} kidney that the {here.name} seems to show was left out: the {there.name} shows no "
                    f"kidney at its place, and the tissue there does not enhance ({before:.0f} to {after:.0f} HU).",
                )


def _overlap(first: _Phase, second: _Phase, side: str) -> float:
    """Returns the Dice of a kidney in both phases, after the shift of the other kidney; 1 where a phase lacks one."""
    other = next(name for name in SIDES if name != side)
    if not all(name in phase.kidneys for name in SIDES for phase in (first, second)):
        return 1.0
    points = [first.kidneys[side] + _mean_shift(first, second, other), second.kidneys[side]]
    lowest = np.minimum(points[0].min(axis=0), points[1].min(axis=0))
    voxels = [np.rint((one - lowest) / _GRID_MM).astype(int) for one in points]
    masks = np.zeros((2, *np.maximum(voxels[0].max(axis=0), voxels[1].max(axis=0)) + 1), bool)
    for mask, place in zip(masks, voxels, strict=True):
        mask[tuple(place.T)] = True
    return dice(masks[0], masks[1])


def _shift(here: _Phase, there: _Phase, side: str) -> Points:
    """Returns how far the kidneys move from one phase to another, in mm, by the kidney of the other side."""
    other = next(name for name in SIDES if name != side)
    both = other in here.kidneys and other in there.kidneys
    return _mean_shift(here, there, other) if both else np.zeros(3)


def _mean_shift(here: _Phase, there: _Phase, side: str) -> Points:
    return np.asarray(there.kidneys[side].mean(axis=0) - here.kidneys[side].mean(axis=0))


def _plausibility(first: _Phase, second: _Phase, side: str) -> float:
    return sum(phase.found.evidence.get(side, 0.0) for phase in (first, second))


def _without(found: Segmentation, sides: dict[str, str], warnings: tuple[str, ...] = ()) -> Segmentation:
    """Returns a segmentation without some sides, and with warnings."""
    if not sides:
        return found
    labels = sitk.GetArrayFromImage(found.labels)
    for side in sides:
        labels[labels == SIDES[side]] = 0
    kept = sitk.GetImageFromArray(labels)
    kept.CopyInformation(found.labels)
    return replace(found, labels=kept, volumes_ml=volumes_ml(kept), warnings=(*found.warnings, *warnings))
