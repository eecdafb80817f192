"""Similarity of a synthetic volume to the acquired one: PSNR, SSIM, MS-SSIM, MAE, RMSE, NCC.

Arrays are (z, y, x) in HU. Both volumes are clipped to a range of HU first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError, ImageContentError
from NephroSynthLib.imaging.full_range import MOST_HU
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.ssim import ms_ssim, ssim_map
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU


@dataclass(frozen=True)
class ValueRange:
    """The range of HU in which two volumes are compared; its width is the data range of PSNR and SSIM.

    Attributes:
        lower: Lowest value, HU.
        upper: Highest value, HU.
    """

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Width in HU."""
        return self.upper - self.lower

    def lifted(self, hu: NDArray[np.number]) -> NDArray[np.float32]:
        """Clips HU of any shape to the range and counts them from its lower end, in [0, width]."""
        return np.clip(hu, self.lower, self.upper).astype(np.float32) - np.float32(self.lower)


WINDOW = ValueRange(LOWER_HU, UPPER_HU)
FULL = ValueRange(AIR_HU, MOST_HU)
"""All HU that 12 bits can hold."""


@dataclass(frozen=True)
class Similarity:
    """Figures of one region in one value range.

    Attributes:
        psnr_db: Peak signal-to-noise ratio, whose peak is the width of the range; 100 between equal images.
        ssim: Mean structural similarity, at most 1.
        ms_ssim: Multi-scale SSIM of the axial slices in [0, 1]; None where the region is no box or too small.
        mae_hu: Mean absolute error.
        rmse_hu: Root of the mean squared error.
        bias_hu: Mean of synthetic less acquired.
        ncc: Normalized cross-correlation (Pearson) in [-1, 1]. A constant region scores 1 if both are equal, else 0.
        voxels: Number of voxels that were compared.
    """

    psnr_db: float
    ssim: float
    ms_ssim: float | None
    mae_hu: float
    rmse_hu: float
    bias_hu: float
    ncc: float
    voxels: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Returns the figures as plain numbers, for JSON."""
        return asdict(self)


class Comparison:
    """Two volumes within one range of HU, compared in any number of regions.

    Args:
        synthetic: HU, (z, y, x).
        acquired: HU, same shape.
        values: The range of HU to compare in.

    Raises:
        GeometryError: If the volumes differ in shape or are not three-dimensional.
        ImageContentError: If a volume holds values that are not finite.
    """

    def __init__(self, synthetic: NDArray[np.number], acquired: NDArray[np.number], values: ValueRange) -> None:
        _check(synthetic, acquired)
        self._width = values.width
        self._synthetic, self._acquired = values.lifted(synthetic), values.lifted(acquired)
        self._ssim = ssim_map(self._synthetic, self._acquired, values.width)

    def within(self, mask: NDArray[np.bool_], *, multiscale: bool = False) -> Similarity:
        """Compares the volumes where a mask is true; SSIM also reads up to 5 voxels beyond it.

        Args:
            mask: Shape (z, y, x), with at least one voxel.
            multiscale: Whether to compute MS-SSIM too, on the whole of each slice that the mask fills by half or more.

        Raises:
            GeometryError: If the mask has another shape or no voxel.
        """
        self._check_mask(mask)
        first, second = self._synthetic[mask], self._acquired[mask]
        error = first - second
        mean_square = float(np.mean(error**2, dtype=np.float64))
        return Similarity(
            psnr_db=psnr_db(mean_square, self._width),
            ssim=float(np.mean(self._ssim[mask], dtype=np.float64)),
            ms_ssim=self._ms_ssim(mask) if multiscale else None,
            mae_hu=float(np.mean(np.abs(error), dtype=np.float64)),
            rmse_hu=mean_square**0.5,
            bias_hu=float(np.mean(error, dtype=np.float64)),
            ncc=_ncc(first, second),
            voxels=int(np.count_nonzero(mask)),
        )

    def _ms_ssim(self, mask: NDArray[np.bool_]) -> float | None:
        slices = mask.mean(axis=(1, 2)) >= 0.5
        return ms_ssim(self._synthetic[slices], self._acquired[slices], self._width)

    def _check_mask(self, mask: NDArray[np.bool_]) -> None:
        if mask.shape != self._synthetic.shape:
            raise GeometryError(
                f"A mask of {mask.shape} does not fit volumes of {self._synthetic.shape}.", Action.RESAMPLE
            )
        if not mask.any():
            raise GeometryError("The region to compare is empty.", Action.GIVE_ONE_EXAM)


def _ncc(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    spreads = float(first.std(dtype=np.float64)), float(second.std(dtype=np.float64))
    if min(spreads) < 1e-6:
        return 1.0 if np.array_equal(first, second) else 0.0
    a, b = (values - float(values.mean(dtype=np.float64)) for values in (first, second))
    return float(np.clip(np.mean(a * b, dtype=np.float64) / (spreads[0] * spreads[1]), -1.0, 1.0))


def _check(synthetic: NDArray[np.number], acquired: NDArray[np.number]) -> None:
    if synthetic.shape != acquired.shape or synthetic.ndim != 3:
        raise GeometryError(
            f"The volumes to compare must be three-dimensional and of one shape, but they are {synthetic.shape} and "
            f"{acquired.shape}.",
            Action.RESAMPLE,
        )
    if not (np.isfinite(synthetic).all() and np.isfinite(acquired).all()):
        raise ImageContentError("A volume to compare holds values that are not finite.", Action.EXPORT_AGAIN)
