"""Measures of two sets of images, and of the diversity of one: bMMD², IS, nearest SSIM (DS), MS-SSIM of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.evaluation.metrics import WINDOW, ValueRange
from NephroSynthLib.imaging.ssim import ms_ssim, ssim_map

Images = Sequence[NDArray[np.floating]]
"""Volumes or slices in HU, (z, y, x) each and all of one shape; a slice has z of 1."""

BINS = 50
LEAST_SHARE = 1e-6


def slices_of(volume: NDArray[np.floating], axis: int, *, middle: bool) -> list[NDArray[np.floating]]:
    """Returns the slices of a volume across an axis, each (1, rows, columns).

    Args:
        volume: HU, (z, y, x).
        axis: 0 for axial, 1 for coronal, 2 for sagittal slices.
        middle: Whether only the middle one is wanted, as for ASCII's FID-Ax, FID-Cor and FID-Sag.
    """
    across = np.moveaxis(volume, axis, 0)
    chosen = [len(across) // 2] if middle else range(len(across))
    return [across[index][None] for index in chosen]


def bmmd2(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Returns the squared maximum mean discrepancy of two batches with a linear kernel, without bias.

    It is that of Gretton et al. 2012, eq. 3, which leaves out the products of an image with itself, as in Kwon et al.
    2019. It may be negative.

    Args:
        first: Images or features, (n, d), n at least 2.
        second: Likewise, (m, d).
    """
    a, b = first.astype(np.float64), second.astype(np.float64)

    def within(x: NDArray[np.float64]) -> float:
        total = x.sum(axis=0)
        return float((total @ total - (x * x).sum()) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(a.mean(axis=0) @ b.mean(axis=0))


def inception_score(probabilities: NDArray[np.floating]) -> float:
    """Returns exp E KL(p(y|x) || p(y)) (Salimans et al. 2016; MT-DDPM, section 3.6).

    Args:
        probabilities: p(y|x) of each image, (n, classes), from a classifier.

    Returns:
        From 1, where all images are of one kind or of every kind alike, to the number of classes.
    """
    p = probabilities.astype(np.float64).clip(1e-16)
    return float(np.exp((p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1).mean()))


def nearest_ssim(images: Images, values: ValueRange = WINDOW) -> NDArray[np.float64]:
    """Returns the SSIM of each image to the one of the others that is most like it, (n,), n at least 2."""
    lifted = [values.lifted(image) for image in images]
    similar = np.full((len(lifted), len(lifted)), -np.inf)
    for i in range(len(lifted)):
        for j in range(i):
            similar[i, j] = similar[j, i] = float(ssim_map(lifted[i], lifted[j], values.width).mean())
    return similar.max(axis=1)


def diversity_difference(real: NDArray[np.floating], synthetic: NDArray[np.floating]) -> float:
    """Returns DS of MT-DDPM: the KL divergence of the nearest SSIM of real images from those of synthetic ones.

    Both are counted in 50 equal bins of [-1, 1]; an empty bin gets a millionth.
    """
    shares = []
    for values in (real, synthetic):
        counts, _ = np.histogram(values, BINS, (-1, 1))
        share = counts / counts.sum() + LEAST_SHARE
        shares.append(share / share.sum())
    return float((shares[0] * np.log(shares[0] / shares[1])).sum())


def pairwise_ms_ssim(images: Images, pairs: int, seed: int = 0, values: ValueRange = WINDOW) -> float | None:
    """Returns the mean MS-SSIM of random pairs of different images: high where a set lacks diversity.

    Args:
        images: At least two.
        pairs: How many pairs to draw.
        seed: Of the drawing.
        values: The range of HU to compare in.

    Returns:
        A value in [0, 1]; None if the images are too small for two scales.
    """
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(pairs):
        i, j = rng.choice(len(images), 2, replace=False)
        score = ms_ssim(values.lifted(images[i]), values.lifted(images[j]), values.width)
        if score is None:
            return None
        scores.append(score)
    return float(np.mean(scores))
