"""How similar a synthetic volume is to the acquired one: PSNR, SSIM, MS-SSIM, MAE, RMSE, NCC.

All work on arrays (z, y, x) in HU within a value range, to which both are clipped first. SSIM is the Gaussian form of
Wang et al., IEEE TIP 2004 (eq. 13; 11 voxels, sigma 1.5, K1 0.01, K2 0.03) in three dimensions, over values counted
from the lower end of the range, so that a negative HU does not turn its luminance term around.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from NephroSynthLib.errors import GeometryError, ImageContentError
from NephroSynthLib.window import LOWER_HU, UPPER_HU

PSNR_OF_EQUAL_DB = 100.0
"""PSNR is infinite between equal images; it ends here, so that every figure is a finite number."""

_SIGMA, _RADIUS, _K1, _K2 = 1.5, 5, 0.01, 0.03
_SLAB = 16
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@dataclass(frozen=True)
class ValueRange:
    """The range of HU that a comparison sees; its width is the data range of PSNR and SSIM."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Width in HU."""
        return self.upper - self.lower

    def lifted(self, hu: np.ndarray) -> np.ndarray:
        """HU of any shape, clipped to the range and counted from its lower end: float32 in [0, width]."""
        return np.clip(hu, self.lower, self.upper).astype(np.float32) - np.float32(self.lower)


WINDOW = ValueRange(LOWER_HU, UPPER_HU)
FULL = ValueRange(-1024.0, 3071.0)
"""All that 12 bits hold."""


@dataclass(frozen=True)
class Similarity:
    """Figures of one region in one value range.

    Attributes:
        psnr_db: peak signal-to-noise ratio, the peak being the width of the range; 100 between equal images.
        ssim: mean structural similarity, at most 1.
        ms_ssim: multi-scale SSIM of the axial slices in [0, 1]; None where the region is no box or too small.
        mae_hu: mean absolute error.
        rmse_hu: root of the mean squared error.
        bias_hu: mean of synthetic less acquired.
        ncc: normalized cross-correlation (Pearson) in [-1, 1]; of a constant region 1 if both are equal, otherwise 0.
        voxels: how many voxels were compared.
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
        """The same as plain numbers, for JSON."""
        return asdict(self)


def similarity(
    synthetic: np.ndarray, acquired: np.ndarray, mask: np.ndarray, values: ValueRange, *, multiscale: bool = False
) -> Similarity:
    """Compares two volumes where a mask is true.

    Args:
        synthetic: HU, (z, y, x).
        acquired: HU, same shape.
        mask: boolean, same shape, with at least one voxel; SSIM looks up to 5 voxels beyond it.
        values: the range of HU to compare in.
        multiscale: also MS-SSIM, of the whole of every slice that the mask fills by half or more.

    Raises:
        GeometryError: If the shapes differ or the mask is empty.
        ImageContentError: If a volume holds values that are not finite.
    """
    _check(synthetic, acquired, mask)
    first, second = values.lifted(synthetic), values.lifted(acquired)
    ssim = float(np.mean(ssim_map(first, second, values.width)[mask], dtype=np.float64))
    multiscale_ssim = _masked_ms_ssim(first, second, mask, values.width) if multiscale else None
    first, second = first[mask], second[mask]
    error = first - second
    mean_square = float(np.mean(error**2, dtype=np.float64))
    return Similarity(
        psnr_db=_psnr(mean_square, values.width),
        ssim=ssim,
        ms_ssim=multiscale_ssim,
        mae_hu=float(np.mean(np.abs(error), dtype=np.float64)),
        rmse_hu=mean_square**0.5,
        bias_hu=float(np.mean(error, dtype=np.float64)),
        ncc=_ncc(first, second),
        voxels=int(np.count_nonzero(mask)),
    )


def ssim_map(first: np.ndarray, second: np.ndarray, data_range: float) -> np.ndarray:
    """SSIM at every voxel of two volumes (z, y, x) of values in [0, data_range]; borders are mirrored.

    Works slab by slab, so that it needs little more memory than its result.
    """
    result = np.empty(first.shape, np.float32)
    for start in range(0, first.shape[0], _SLAB):
        stop = min(start + _SLAB, first.shape[0])
        low, high = max(0, start - _RADIUS), min(first.shape[0], stop + _RADIUS)
        result[start:stop] = _ssim(first[low:high], second[low:high], data_range)[start - low : stop - low]
    return result


def ms_ssim(first: np.ndarray, second: np.ndarray, data_range: float) -> float | None:
    """Mean multi-scale SSIM (Wang, Simoncelli, Bovik, 2003, eq. 7) of axial slices, as slices are thick.

    Args:
        first: values in [0, data_range], (z, y, x).
        second: same shape.
        data_range: width of the range of values.

    Returns:
        A value in [0, 1] over as many of the five scales as the slices have room for, with the weights of those scaled
        to a sum of one; None if not even two fit.
    """
    weights = _fitting_weights(min(first.shape[1:]))
    if weights is None or first.shape[0] == 0:
        return None
    slabs = (slice(start, start + _SLAB) for start in range(0, first.shape[0], _SLAB))
    return float(np.mean(np.concatenate([_ms_ssim(first[slab], second[slab], data_range, weights) for slab in slabs])))


def _ms_ssim(first: np.ndarray, second: np.ndarray, data_range: float, weights: tuple[float, ...]) -> np.ndarray:
    """One value for each slice: contrast and structure of all scales, luminance of the coarsest; without borders."""
    inner = (slice(None), slice(_RADIUS, -_RADIUS), slice(_RADIUS, -_RADIUS))
    score = np.ones(first.shape[0])
    for scale, weight in enumerate(weights):
        luminance, structure = _ssim_factors(first, second, data_range, axes=(1, 2))
        coarsest = scale == len(weights) - 1
        mean = (luminance * structure if coarsest else structure)[inner].mean(axis=(1, 2), dtype=np.float64)
        score *= mean.clip(min=0) ** weight
        first, second = _halved(first), _halved(second)
    return score


def _halved(slices: np.ndarray) -> np.ndarray:
    count, rows, columns = slices.shape
    even = slices[:, : rows // 2 * 2, : columns // 2 * 2]
    return even.reshape(count, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))


def _fitting_weights(shortest: int) -> tuple[float, ...] | None:
    for count in range(len(_SCALE_WEIGHTS), 1, -1):
        if shortest // 2 ** (count - 1) > 2 * _RADIUS:
            chosen = _SCALE_WEIGHTS[:count]
            return tuple(weight / sum(chosen) for weight in chosen)
    return None


def _masked_ms_ssim(first: np.ndarray, second: np.ndarray, mask: np.ndarray, data_range: float) -> float | None:
    """MS-SSIM of the slices that the mask fills by half or more."""
    slices = mask.mean(axis=(1, 2)) >= 0.5
    return ms_ssim(first[slices], second[slices], data_range)


def _ssim(first: np.ndarray, second: np.ndarray, data_range: float) -> np.ndarray:
    luminance, structure = _ssim_factors(first, second, data_range, axes=(0, 1, 2))
    return luminance * structure


def _ssim_factors(
    first: np.ndarray, second: np.ndarray, data_range: float, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, and contrast times structure, of each voxel in a Gaussian window over some axes."""

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, _SIGMA, radius=_RADIUS, axes=axes)

    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    mean1, mean2 = blur(first), blur(second)
    variances = blur(first * first) - mean1 * mean1 + blur(second * second) - mean2 * mean2
    covariance = blur(first * second) - mean1 * mean2
    luminance = (2 * mean1 * mean2 + c1) / (mean1 * mean1 + mean2 * mean2 + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _psnr(mean_square: float, peak: float) -> float:
    return min(PSNR_OF_EQUAL_DB, float(10 * np.log10(peak**2 / max(mean_square, 1e-12))))


def _ncc(first: np.ndarray, second: np.ndarray) -> float:
    spreads = float(first.std(dtype=np.float64)), float(second.std(dtype=np.float64))
    if min(spreads) < 1e-6:
        return 1.0 if np.array_equal(first, second) else 0.0
    a, b = (values - float(values.mean(dtype=np.float64)) for values in (first, second))
    return float(np.clip(np.mean(a * b, dtype=np.float64) / (spreads[0] * spreads[1]), -1.0, 1.0))


def _check(synthetic: np.ndarray, acquired: np.ndarray, mask: np.ndarray) -> None:
    if not synthetic.shape == acquired.shape == mask.shape or synthetic.ndim != 3:
        raise GeometryError(
            f"The volumes to compare must be three-dimensional and of one shape, but they are {synthetic.shape} and "
            f"{acquired.shape} with a mask of {mask.shape}.",
            "Resample them onto one grid first.",
        )
    if not mask.any():
        raise GeometryError("The region to compare is empty.", "Check that the volumes show the same part of the body.")
    if not (np.isfinite(synthetic).all() and np.isfinite(acquired).all()):
        raise ImageContentError("A volume to compare holds values that are not finite.", "Export it again.")
