"""The figures of a method: of each exam, of all of them as a set, and their comparison with another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from NephroSynthLib.evaluation.error_parts import error_parts
from NephroSynthLib.evaluation.frechet import extract_features, frechet_distance
from NephroSynthLib.evaluation.metrics import WINDOW, Comparison
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures, perceptual_distance
from NephroSynthLib.evaluation.set_distances import bmmd2, slices_of
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING

PLANES = {"fid_ax": 0, "fid_cor": 1, "fid_sag": 2}
BOOTSTRAPS = 2000
FEWEST_TO_TEST = 6
"""Exams from which a paired test can be significant at 5 %."""

Volume = NDArray[np.float32]
Figures = dict[str, float | None]


def exam_figures(hu: Volume, truth: Volume, kidneys: NDArray[np.bool_], network: SegmenterFeatures) -> Figures:
    """Returns the figures of one exam, in the window 400/50.

    Args:
        hu: The synthetic nephrographic phase in HU, (z, y, x), on the working grid.
        truth: The true one.
        kidneys: Voxels of the kidneys.
        network: The encoder of the perceptual distance.
    """
    compared = Comparison(hu, truth, WINDOW)
    region = compared.within(np.ones_like(kidneys), multiscale=True)
    figures: Figures = {
        "psnr_db": region.psnr_db, "ssim": region.ssim, "ms_ssim": region.ms_ssim, "mae_hu": region.mae_hu,
    }  # fmt: skip
    if kidneys.any():
        inside = compared.within(kidneys)
        parts = error_parts(WINDOW.lifted(hu), WINDOW.lifted(truth), kidneys, WORKING_SPACING)
        figures |= {"kidney_mae_hu": inside.mae_hu, **{f"kidney_{name}": x for name, x in parts.to_dict().items()}}
    pair = [torch.from_numpy(to_window(volume).astype(np.float32))[None, None] for volume in (hu, truth)]
    return figures | {"perceptual": float(perceptual_distance(pair[0], pair[1], network)[0])}


def plane_features(hu: Volume, network: SegmenterFeatures) -> dict[str, NDArray[np.floating]]:
    """Returns the features of all slices of a volume, (n, d), by the name of the distance that they serve."""
    return {name: extract_features(slices_of(hu, axis, middle=False), network) for name, axis in PLANES.items()}


def set_figures(
    synthetic: Sequence[Mapping[str, NDArray[np.floating]]], acquired: Sequence[Mapping[str, NDArray[np.floating]]]
) -> Figures:
    """Returns the Fréchet distance of each plane over the slices of all exams, and bMMD² of the axial ones.

    Args:
        synthetic: The features of each exam, as `plane_features` gives them.
        acquired: Those of the true phases.
    """
    both = [
        {name: np.concatenate([exam[name] for exam in exams]) for name in PLANES} for exams in (synthetic, acquired)
    ]
    distances: Figures = {name: frechet_distance(both[0][name], both[1][name]) for name in PLANES}
    return distances | {"bmmd2": bmmd2(both[0]["fid_ax"], both[1]["fid_ax"])}


@dataclass(frozen=True)
class Mean:
    """The mean of a figure over exams.

    Attributes:
        value: The mean.
        low: Lower end of its interval of 95 %, by bootstrap over exams.
        high: Upper end.
        p: P of Wilcoxon's signed-rank test against the method to compare with; None where it says nothing.
    """

    value: float
    low: float
    high: float
    p: float | None


def mean_over_exams(values: Sequence[float], others: Sequence[float] | None, seed: int = 0) -> Mean:
    """Returns the mean of a figure with its interval and its paired test.

    Args:
        values: The figure of each exam.
        others: That of another method on the same exams; None for none.
        seed: Of the bootstrap.
    """
    x = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).integers(len(x), size=(BOOTSTRAPS, len(x)))
    low, high = np.percentile(x[drawn].mean(axis=1), [2.5, 97.5])
    p = None
    if others is not None and len(x) >= FEWEST_TO_TEST and not np.array_equal(x, others):
        p = float(stats.wilcoxon(x, np.asarray(others)).pvalue)
    return Mean(float(x.mean()), float(low), float(high), p)
