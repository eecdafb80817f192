"""Quality of a registration: SSIM around the kidneys, overlap and shift of the kidneys, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.imaging.ssim import RADIUS, ssim_map
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.options import LandmarkUse
from NephroSynthLib.registration.geometry import BoolArray, WorkingGrid, extent
from NephroSynthLib.registration.kidney_stage import mask_extent, mask_points

SPACING_MM, SPACING_WITHOUT_KIDNEYS_MM = 2.0, 4.0
MARGIN_MM = 20.0
LEAST_OVERLAP = 0.5
"""Least Dice of a kidney of both phases after the registration; below it, one phase shows something else there."""
NOISE_SIGMA = 0.75
"""Sigma in voxels of a Gaussian that removes most noise, which SSIM would count as misalignment, and keeps organs."""


@dataclass(frozen=True)
class Shift:
    """Displacement of a kidney's centroid from the fixed to the moving phase in mm, LPS, and its length."""

    left: float
    posterior: float
    superior: float
    norm: float


@dataclass(frozen=True)
class LandmarkErrors:
    """Errors at the landmark pairs in mm: mean and largest distance of a mapped point from its partner.

    Attributes:
        pairs: Number of pairs.
        use: The map that was fitted, and whether it started or replaced stage 1.
        fit_mean, fit_worst: The fitted map at its own pairs.
        held_out_mean, held_out_worst: The map that the other pairs fit, at each pair; None if they are too few.
        registered_mean, registered_worst: The transform that was returned.
    """

    pairs: int
    use: LandmarkUse
    fit_mean: float
    fit_worst: float
    held_out_mean: float | None
    held_out_worst: float | None
    registered_mean: float
    registered_worst: float


@dataclass(frozen=True)
class RegistrationQuality:
    """Figures of a registration.

    Attributes:
        ssim_before: Mean SSIM of the phases as acquired, in [-1, 1]: in the window 400/50, smoothed, at 2 mm, within
            20 mm of the kidneys; at 4 mm over the body if no kidney is known. Enhancement, iodine in the pelvis and
            noise keep it below 1 even between perfectly aligned phases.
        ssim_affine: The same after stage 1; None if it did not run.
        ssim_after: The same for the transform that was returned.
        gate: SSIM_select of dsSNICT, the least `ssim_after` that passes.
        passed: Whether `ssim_after` reaches the gate, and each kidney overlaps by at least `LEAST_OVERLAP`.
        kidney_dice_before: Overlap of the kidney masks of both phases as acquired, by side, in [0, 1].
        kidney_dice_after: The same for the transform that was returned.
        kidney_shift_mm: Displacement of the centroid of each kidney by the transform, by side.
        min_jacobian: Least determinant of the Jacobian of the transform; positive means that nothing folds.
        reasons: Grounds of the verdict, as sentences: the SSIM, the overlap of each kidney, the Jacobian.
        landmarks: Errors at the landmarks; None if there were none.
    """

    ssim_before: float
    ssim_affine: float | None
    ssim_after: float
    gate: float
    passed: bool
    kidney_dice_before: dict[str, float]
    kidney_dice_after: dict[str, float]
    kidney_shift_mm: dict[str, Shift]
    min_jacobian: float
    reasons: tuple[str, ...]
    landmarks: LandmarkErrors | None = None

    @property
    def failures(self) -> tuple[str, ...]:
        """Reasons why the gate was missed; empty if it was passed."""
        similar, *overlaps = self.reasons
        apart = [
            text
            for overlap, text in zip(self.kidney_dice_after.values(), overlaps, strict=False)
            if overlap < LEAST_OVERLAP
        ]
        return (*(() if self.ssim_after >= self.gate else (similar,)), *apart)

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures as plain values, for JSON."""
        return {**asdict(self), "reasons": list(self.reasons)}


def _unit(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts HU to [0, 1] over the window; SSIM compares means by their ratio, so they must not be negative."""
    return np.asarray((to_window(hu) + 1) / 2, dtype=np.float32)


def _smooth(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(hu, NOISE_SIGMA), dtype=np.float32)


@dataclass(frozen=True)
class _Region:
    """A part of the fixed phase on an isotropic grid: the windowed phase, the kidney, and the voxels that count."""

    grid: WorkingGrid
    fixed: NDArray[np.float32]
    kidney: BoolArray
    counted: BoolArray

    def warped(self, transform: sitk.Transform, image: sitk.Image, outside: float) -> NDArray[np.float32]:
        """Returns an image of the moving frame on this grid, (z, y, x)."""
        like = self.grid.image(self.kidney.astype(np.uint8))
        return sitk.GetArrayFromImage(sitk.Resample(image, like, transform, sitk.sitkLinear, outside, sitk.sitkFloat32))

    def ssim(self, transform: sitk.Transform, moving: sitk.Image) -> float:
        similarity = ssim_map(self.fixed, _unit(self.warped(transform, moving, AIR_HU)), data_range=1.0)
        return float(similarity[self.counted].mean()) if self.counted.any() else 0.0

    def dice(self, transform: sitk.Transform, moving_mask: sitk.Image) -> float:
        warped = self.warped(transform, sitk.Cast(moving_mask, sitk.sitkFloat32), 0.0) > 0.5
        return dice(self.kidney, warped)


class Judge:
    """Measures transforms between two phases; each transform carries fixed points to moving points, LPS mm.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        fixed_masks: Kidney masks by side, in the frame of `fixed`.
        moving_masks: The same in the frame of `moving`; a side may be missing.
    """

    def __init__(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_masks: Mapping[str, sitk.Image],
        moving_masks: Mapping[str, sitk.Image],
    ) -> None:
        self._fixed_masks, self._moving_masks = fixed_masks, moving_masks
        spacing = SPACING_MM if fixed_masks else SPACING_WITHOUT_KIDNEYS_MM
        moving_grid = WorkingGrid.between(*extent(moving), spacing)
        self._moving = moving_grid.image(_smooth(moving_grid.sample(moving)))
        self._regions = {side: _around_kidney(fixed, mask) for side, mask in fixed_masks.items()}
        self._everywhere = [] if fixed_masks else [_whole(fixed)]

    def ssim(self, transform: sitk.Transform) -> float:
        """Returns the mean SSIM around the kidneys, with equal weights, or over the body if no kidney is known."""
        regions = [*self._regions.values(), *self._everywhere]
        return float(np.mean([region.ssim(transform, self._moving) for region in regions]))

    def dice(self, transform: sitk.Transform) -> dict[str, float]:
        """Returns the Dice of the masks of both phases, for each side that both phases have."""
        return {
            side: region.dice(transform, self._moving_masks[side])
            for side, region in self._regions.items()
            if side in self._moving_masks
        }

    def shifts(self, transform: sitk.Transform) -> dict[str, Shift]:
        """Returns the displacement of the centroid of each kidney."""
        shifts = {}
        for side, mask in self._fixed_masks.items():
            centroid = mask_points(mask).mean(axis=0)
            shift = np.array(transform.TransformPoint(centroid.tolist())) - centroid
            left, posterior, superior = (float(value) for value in shift)
            shifts[side] = Shift(left, posterior, superior, float(np.linalg.norm(shift)))
        return shifts


def _around_kidney(fixed: sitk.Image, mask: sitk.Image) -> _Region:
    lower, upper = mask_extent(mask)
    margin = MARGIN_MM + SPACING_MM * RADIUS
    grid = WorkingGrid.between(lower - margin, upper + margin, SPACING_MM)
    kidney = grid.sample(mask, outside=0.0) > 0.5
    near = ndimage.distance_transform_edt(~kidney, SPACING_MM) <= MARGIN_MM
    return _Region(grid, _unit(_smooth(grid.sample(fixed))), kidney, near & grid.inside(fixed))


def _whole(fixed: sitk.Image) -> _Region:
    grid = WorkingGrid.between(*extent(fixed), SPACING_WITHOUT_KIDNEYS_MM)
    values = grid.sample(fixed)
    return _Region(grid, _unit(_smooth(values)), np.zeros(values.shape, dtype=bool), body_mask(values))
