"""How well two phases are aligned: SSIM around the kidneys, kidney overlap, kidney shifts, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi
import SimpleITK as sitk

from NephroSynthLib.grids import AIR_HU
from NephroSynthLib.registration.geometry import WorkingGrid, extent
from NephroSynthLib.registration.kidney import mask_extent, mask_points
from NephroSynthLib.window import to_window

SPACING_MM, SPACING_WITHOUT_KIDNEYS_MM = 2.0, 4.0
MARGIN_MM = 10.0
REACH_MM = 50.0
WINDOW_SIGMA, WINDOW_RADIUS = 1.5, 5
Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Shift:
    """Displacement of a kidney's centroid from the fixed to the moving phase in mm, LPS, and its length."""

    left: float
    posterior: float
    superior: float
    norm: float


@dataclass(frozen=True)
class RegistrationQuality:
    """Figures of a registration.

    Attributes:
        ssim_before, ssim_affine, ssim_after: Mean structural similarity of the phases in the window 400/50 around the
            kidneys (of the whole field of view when no kidney is known), in [-1, 1]: as acquired, after stage 1, and as
            returned. None where that stage did not run.
        gate: SSIM_select of dsSNICT, which `ssim_after` has to reach.
        passed: Whether it does.
        kidney_dice_before, kidney_dice_after: Overlap of the kidney masks of both phases by side, in [0, 1].
        kidney_shift_mm: Where the transform moves each kidney's centroid, by side.
        min_jacobian: Least determinant of the Jacobian of the transform; positive means that nothing folds.
        reasons: What the verdict rests on, as sentences.
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

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON takes them."""
        return asdict(self)


def ssim_map(first: Floats, second: Floats, data_range: float) -> Floats:
    """Structural similarity at each voxel with an 11-voxel Gaussian window of sigma 1.5.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Trans. Image
    Process. 13 (2004), eq. 13 with K1 = 0.01 and K2 = 0.03.

    Args:
        first: Volume (z, y, x).
        second: Volume of the same shape.
        data_range: Largest minus smallest possible value.

    Returns:
        Values in [-1, 1], same shape; volumes are mirrored at their borders.
    """

    def local(values: Floats) -> Floats:
        return np.asarray(ndi.gaussian_filter(values, WINDOW_SIGMA, radius=WINDOW_RADIUS, mode="mirror"))

    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean1, mean2 = local(first), local(second)
    variance1, variance2 = local(first**2) - mean1**2, local(second**2) - mean2**2
    covariance = local(first * second) - mean1 * mean2
    likeness = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    return np.asarray(likeness / ((mean1**2 + mean2**2 + c1) * (variance1 + variance2 + c2)))


def _unit(hu: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """HU to [0, 1] over the window; SSIM compares means by their ratio, so they must not be negative."""
    return (to_window(hu) + 1) / 2


@dataclass(frozen=True)
class _Region:
    """A box of the fixed phase, and the moving phase around it, on isotropic grids."""

    grid: WorkingGrid
    around: WorkingGrid
    fixed: sitk.Image
    moving: sitk.Image

    def warped(self, transform: sitk.Transform, image: sitk.Image, outside: float) -> npt.NDArray[np.float32]:
        """A volume of the moving phase on `around`, carried to `grid`, (z, y, x)."""
        like = self.grid.image(np.empty(self.grid.size[::-1], np.uint8))
        resampled = sitk.Resample(image, like, transform, sitk.sitkLinear, outside, sitk.sitkFloat32)
        return sitk.GetArrayFromImage(resampled)

    @cached_property
    def fixed_values(self) -> npt.NDArray[np.float32]:
        return self.grid.sample(self.fixed)

    @cached_property
    def moving_image(self) -> sitk.Image:
        return self.around.image(self.around.sample(self.moving))

    def ssim(self, transform: sitk.Transform) -> float:
        moving_values = self.warped(transform, self.moving_image, AIR_HU)
        similarity = ssim_map(_unit(self.fixed_values), _unit(moving_values), data_range=1.0)
        return float(similarity[self.grid.inside(self.fixed)].mean())

    def dice(self, transform: sitk.Transform, fixed_mask: sitk.Image, moving_mask: sitk.Image) -> float:
        fixed = self.grid.sample(fixed_mask, outside=0.0) > 0.5
        warped = self.warped(transform, self.around.image(self.around.sample(moving_mask, outside=0.0)), 0.0) > 0.5
        return float(2 * (fixed & warped).sum() / max(1, fixed.sum() + warped.sum()))


class Judge:
    """Measures transforms between two phases; each transform carries fixed points to moving points, LPS mm.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        fixed_masks: Kidney masks by side, in the frame of `fixed`.
        moving_masks: The same in the frame of `moving`; sides may lack.
    """

    def __init__(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_masks: Mapping[str, sitk.Image],
        moving_masks: Mapping[str, sitk.Image],
    ) -> None:
        self._fixed_masks, self._moving_masks = fixed_masks, moving_masks
        boxes = {side: mask_extent(mask) for side, mask in fixed_masks.items()}
        spacing = SPACING_MM if boxes else SPACING_WITHOUT_KIDNEYS_MM
        self._regions: dict[str, _Region] = {}
        for side, (lower, upper) in (boxes or {"": extent(fixed)}).items():
            margin = MARGIN_MM if boxes else 0.0
            grid = WorkingGrid.between(lower - margin, upper + margin, spacing)
            around = WorkingGrid.between(np.asarray(grid.origin) - REACH_MM, grid.upper + REACH_MM, spacing)
            self._regions[side] = _Region(grid, around, fixed, moving)

    def ssim(self, transform: sitk.Transform) -> float:
        """Mean SSIM in the boxes around the kidneys, or in the whole field of view."""
        return float(np.mean([region.ssim(transform) for region in self._regions.values()]))

    def dice(self, transform: sitk.Transform) -> dict[str, float]:
        """Overlap of the masks of both phases, for each side that both have."""
        return {
            side: self._regions[side].dice(transform, self._fixed_masks[side], self._moving_masks[side])
            for side in self._fixed_masks
            if side in self._moving_masks
        }

    def shifts(self, transform: sitk.Transform) -> dict[str, Shift]:
        """Displacement of each kidney's centroid."""
        shifts = {}
        for side, mask in self._fixed_masks.items():
            centroid = mask_points(mask).mean(axis=0)
            shift = np.array(transform.TransformPoint(centroid.tolist())) - centroid
            left, posterior, superior = (float(value) for value in shift)
            shifts[side] = Shift(left, posterior, superior, float(np.linalg.norm(shift)))
        return shifts
