"""The figures of a method: of each exam, of all of them as a set, and their comparison with another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from NephroSynthLib.evaluation.embedding import feature_similarity
from NephroSynthLib.evaluation.error_parts import error_parts, hu_correlation, organ_hu
from NephroSynthLib.evaluation.feature_classes import FeatureClasses
from NephroSynthLib.evaluation.frechet import FeatureNetwork, extract_features, frechet_distance
from NephroSynthLib.evaluation.metrics import WINDOW, Comparison
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures, perceptual_distance
from NephroSynthLib.evaluation.set_distances import (
    bmmd2,
    diversity_difference,
    inception_score,
    nearest_ssim,
    pairwise_ms_ssim,
    slices_of,
)
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING

PLANES = {"fid_ax": 0, "fid_cor": 1, "fid_sag": 2}
BOOTSTRAPS = 2000
SLICES_OF_PLANE = 32
"""Slices of an exam and plane whose features count, at most; features take most of the time of a benchmark."""
SLICES_OF_EXAM = 2
"""Axial slices of an exam that are compared with each other, in pairs."""
MOST_EMBEDDED = 200
PAIRS = 40
FEWEST_OF_SET = 3
FEWEST_TO_TEST = 6
"""Exams from which a paired test can be significant at 5 %."""

Volume = NDArray[np.float32]
Features = NDArray[np.floating]
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


def organ_figures(hu: Volume, truth: Volume, organs: Mapping[str, NDArray[np.bool_]]) -> Figures:
    """Returns the mean HU of each organ that has voxels, and its error, by the keys of `organ_keys`."""
    made, real = organ_hu(hu, organs), organ_hu(truth, organs)
    figures: Figures = {}
    for name, value in made.items():
        of_organ, error, _ = organ_keys(name)
        figures |= {of_organ: value, error: value - real[name]}
    return figures


def organ_correlations(exams: Sequence[Figures], organs: Sequence[str]) -> Figures:
    """Returns the correlation over exams of each organ's HU with those of the acquired phase, where there is one."""
    made: dict[str, list[float]] = {}
    real: dict[str, list[float]] = {}
    for organ in organs:
        of_organ, error, _ = organ_keys(organ)
        for exam in exams:
            value, wrong = exam.get(of_organ), exam.get(error)
            if value is not None and wrong is not None:
                made.setdefault(organ, []).append(value)
                real.setdefault(organ, []).append(value - wrong)
    return {organ_keys(organ)[2]: r for organ, r in hu_correlation(made, real).items()}


def organ_keys(organ: str) -> tuple[str, str, str]:
    """Returns the names of an organ's figures: its HU, their error, their correlation."""
    key = organ.replace(" ", "_")
    return f"{key}_hu", f"{key}_error_hu", f"{key}_hu_correlation"


@dataclass(frozen=True)
class SetPart:
    """What one volume adds to the comparison of sets.

    Attributes:
        features: Features of its slices, (n, d), by name of the distance that they serve, a key of `PLANES`.
        slices: Some of its axial slices in HU, (1, y, x) each.
    """

    features: Mapping[str, Features]
    slices: Sequence[Volume]


def set_part(hu: Volume, network: FeatureNetwork) -> SetPart:
    """Returns the part of a volume (z, y, x) in HU: features of its slices, evenly spaced, and a few axial slices."""
    planes = {name: slices_of(hu, axis, middle=False) for name, axis in PLANES.items()}
    features = {
        name: extract_features([slices[index] for index in _evenly(len(slices), SLICES_OF_PLANE)], network)
        for name, slices in planes.items()
    }
    chosen = np.linspace(0, len(hu) - 1, SLICES_OF_EXAM + 2).round().astype(int)[1:-1]
    return SetPart(features, [hu[index][None] for index in chosen])


def set_figures(synthetic: Sequence[SetPart], acquired: Sequence[SetPart]) -> Figures:
    """Returns the distances of the slices of all synthetic volumes from those of the acquired ones.

    They are the Fréchet distance of each plane, and those of `axial_figures`.
    """
    made, real = (
        {name: np.concatenate([part.features[name] for part in parts]) for name in PLANES}
        for parts in (synthetic, acquired)
    )
    distances: Figures = {name: frechet_distance(made[name], real[name]) for name in PLANES}
    slices = ([one for part in parts for one in part.slices] for parts in (synthetic, acquired))
    return distances | axial_figures(made["fid_ax"], real["fid_ax"], *slices)


def axial_figures(
    made: Features, real: Features, made_slices: Sequence[Volume], real_slices: Sequence[Volume]
) -> Figures:
    """Returns the figures of sets of axial slices.

    Args:
        made: Features of synthetic slices, (n, d).
        real: Features of acquired slices, (m, d).
        made_slices: Synthetic slices in HU, (1, y, x) each; their middle counts where sizes differ.
        real_slices: Acquired slices, likewise.

    Returns:
        bMMD²; the Inception Score by the classes of the acquired slices; FDS and DS of MT-DDPM, None for fewer than
        three slices; the mean MS-SSIM of pairs of synthetic slices, None where they are small.
    """
    classes = FeatureClasses(real)
    few = min(len(made), len(real), len(made_slices), len(real_slices)) < FEWEST_OF_SET
    size = np.min([one.shape[1:] for one in (*made_slices, *real_slices)], axis=0)
    ours, theirs = ([_middle(one, size) for one in slices] for slices in (made_slices, real_slices))
    return {
        "bmmd2": bmmd2(made, real),
        "inception_score": inception_score(classes.probabilities(made)),
        "fds": None if few else feature_similarity(_some(real), _some(made)),
        "ds": None if few else diversity_difference(nearest_ssim(theirs), nearest_ssim(ours)),
        "ms_ssim_of_pairs": None if len(ours) < 2 else pairwise_ms_ssim(ours, PAIRS),
    }


def _some(features: Features) -> Features:
    """Returns evenly spaced rows of a long table, because t-SNE takes the square of their number."""
    return features[_evenly(len(features), MOST_EMBEDDED)]


def _evenly(count: int, most: int) -> NDArray[np.intp]:
    """Returns at most so many of `count` indices, evenly spaced."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)


def _middle(hu: Volume, size: NDArray[np.integer]) -> Volume:
    """Returns the middle of a slice (1, y, x)."""
    y, x = (int(whole - part) // 2 for whole, part in zip(hu.shape[1:], size, strict=True))
    return hu[:, y : y + int(size[0]), x : x + int(size[1])]


@dataclass(frozen=True)
class Mean:
    """The mean of a figure over exams.

    Attributes:
        value: The mean.
        low: Lower end of its interval of 95 %, by bootstrap over exams.
        high: Upper end.
        p: P of Wilcoxon's signed-rank test against the method to compare with; None where it says nothing.
        exams: The exams that have the figure.
    """

    value: float
    low: float
    high: float
    p: float | None
    exams: int


def mean_over_exams(
    values: Sequence[float | None], others: Sequence[float | None] | None, seed: int = 0
) -> Mean | None:
    """Returns the mean of a figure with its interval and its paired test; None where no exam has it.

    Args:
        values: The figure of each exam; None where the exam lacks it.
        others: That of another method on the same exams; None for none. Exams that have both are tested.
        seed: Of the bootstrap.
    """
    x = np.asarray([value for value in values if value is not None], np.float64)
    if not len(x):
        return None
    drawn = np.random.default_rng(seed).integers(len(x), size=(BOOTSTRAPS, len(x)))
    low, high = np.percentile(x[drawn].mean(axis=1), [2.5, 97.5])
    return Mean(float(x.mean()), float(low), float(high), _paired_p(values, others or ()), len(x))


def _paired_p(values: Sequence[float | None], others: Sequence[float | None]) -> float | None:
    both = np.array([pair for pair in zip(values, others, strict=False) if None not in pair], np.float64).reshape(-1, 2)
    if len(both) < FEWEST_TO_TEST or np.array_equal(both[:, 0], both[:, 1]):
        return None
    return float(stats.wilcoxon(both[:, 0], both[:, 1]).pvalue)
