"""Comparison of a synthetic nephrographic phase with the acquired one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib import options
from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.evaluation.frechet import (
    FeatureNetwork,
    TextureFeatures,
    extract_features,
    frechet_distance,
    patches,
)
from NephroSynthLib.evaluation.metrics import FULL, WINDOW, Comparison, Similarity
from NephroSynthLib.evaluation.overlap import Overlap, kidney_overlap
from NephroSynthLib.imaging.grids import AIR_HU, Box, box_around, on_grid
from NephroSynthLib.imaging.sides import BODY_HU

MARGIN_MM = options.MARGIN.default
"""The box around the kidneys that is judged is the one that is synthesized by default."""
_PATCH, _STRIDE = (8, 32, 32), (4, 16, 16)


@dataclass(frozen=True)
class RegionSimilarity:
    """Similarity in one region.

    Attributes:
        window: Within [-150, 250] HU, the window 400/50; PSNR and SSIM have a data range of 400.
        hu: Within [-1024, 3071] HU; the data range is 4095, so PSNR and SSIM are higher and less sensitive.
    """

    window: Similarity
    hu: Similarity

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures as plain numbers, for JSON."""
        return {"window": self.window.to_dict(), "hu": self.hu.to_dict()}


@dataclass(frozen=True)
class Metrics:
    """Agreement of a synthetic volume with the acquired one.

    Attributes:
        region: 'around kidneys', a box around both with a margin of 25 mm, or 'body' where no kidneys were given.
        covered: Fraction of the box that the acquired volume covers, in (0, 1]; nothing else is compared.
        around: Figures of that box.
        inside: Figures inside the kidneys; None without kidneys.
        frechet_distance: Distance between patches of 8 x 32 x 32 voxels of the box, by `TextureFeatures` or the network
            given. It is comparable only between results of one network and one voxel size. None if fewer than two
            patches fit.
        kidneys: Agreement of the segmentations made on either volume, by side; None unless both were given.
    """

    region: Literal["around kidneys", "body"]
    covered: float
    around: RegionSimilarity
    inside: RegionSimilarity | None
    frechet_distance: float | None
    kidneys: dict[str, Overlap] | None

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures as plain numbers, for JSON."""
        return {
            "region": self.region,
            "covered": self.covered,
            "around": self.around.to_dict(),
            "inside": self.inside.to_dict() if self.inside else None,
            "frechet_distance": self.frechet_distance,
            "kidneys": None if self.kidneys is None else {side: o.to_dict() for side, o in self.kidneys.items()},
        }


def evaluate(
    synthetic: sitk.Image,
    acquired: sitk.Image,
    kidneys: sitk.Image | None,
    *,
    synthetic_kidneys: sitk.Image | None = None,
    acquired_kidneys: sitk.Image | None = None,
    features: FeatureNetwork | None = None,
    brief: bool = False,
) -> Metrics:
    """Compares a synthetic volume with the acquired one on the synthetic's grid.

    Args:
        synthetic: HU, 3D.
        acquired: HU, 3D, any grid; it is not registered here. Voxels where it is padding (-1024 HU or lower) are not
            compared.
        kidneys: Labels on any grid, 1 right and 2 left; None or empty compares the whole body.
        synthetic_kidneys: Labels of a segmentation of the synthetic volume.
        acquired_kidneys: Labels of a segmentation of the acquired volume, compared with `synthetic_kidneys`.
        features: Feature network of the Fréchet distance; `TextureFeatures` if None.
        brief: Whether MS-SSIM and Fréchet distance are left out, which take the most time.

    Raises:
        GeometryError: If a volume is not three-dimensional or the two do not overlap in the region.
        ImageContentError: If a volume holds values that are not finite.

    Example:
        >>> metrics = evaluate(result.synthesis.image, exam.nephrographic, result.segmentation.labels)
        >>> metrics.around.window.psnr_db
        27.4
    """
    for image in (synthetic, acquired):
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise GeometryError(
                "A volume to compare is not three-dimensional with one value per voxel.", Action.GIVE_CT
            )
    labels = on_grid(kidneys, synthetic, label=True) if kidneys is not None else None
    if labels is not None and not sitk.GetArrayViewFromImage(labels).any():
        labels = None
    box = _box(synthetic, labels)
    predicted = sitk.GetArrayFromImage(box.crop(synthetic)).astype(np.float32, copy=False)
    truth = sitk.GetArrayFromImage(box.crop_on(synthetic, acquired)).astype(np.float32, copy=False)
    covered = truth > AIR_HU
    if not covered.any():
        raise GeometryError("The acquired phase does not cover the region of the synthetic one.", Action.GIVE_ONE_EXAM)
    mask = sitk.GetArrayFromImage(box.crop(labels)) > 0 if labels is not None else None
    inside = mask & covered if mask is not None and (mask & covered).any() else None
    compared = covered | ((predicted <= AIR_HU) & (truth == AIR_HU))
    predicted[~compared] = truth[~compared] = AIR_HU
    comparisons = [Comparison(predicted, truth, values) for values in (WINDOW, FULL)]
    return Metrics(
        region="body" if labels is None else "around kidneys",
        covered=float(compared.mean()),
        around=RegionSimilarity(*(each.within(compared, multiscale=not brief) for each in comparisons)),
        inside=None if inside is None else RegionSimilarity(*(each.within(inside) for each in comparisons)),
        frechet_distance=None if brief else _patch_distance(predicted, truth, compared, features or TextureFeatures()),
        kidneys=kidney_overlap(synthetic_kidneys, acquired_kidneys) if synthetic_kidneys and acquired_kidneys else None,
    )


def _box(synthetic: sitk.Image, labels: sitk.Image | None) -> Box:
    if labels is not None:
        return box_around(sitk.GetArrayViewFromImage(labels) > 0, synthetic.GetSpacing(), MARGIN_MM)
    body = sitk.GetArrayViewFromImage(synthetic) > BODY_HU
    if not body.any():
        raise GeometryError("The synthetic volume shows no body.", Action.GIVE_CT)
    return box_around(body, synthetic.GetSpacing(), 0.0)


def _patch_distance(
    predicted: NDArray[np.float32], truth: NDArray[np.float32], mask: NDArray[np.bool_], network: FeatureNetwork
) -> float | None:
    z, y, x = (min(side, length) for side, length in zip(_PATCH, predicted.shape, strict=True))
    chosen = [patches(volume, (z, y, x), _STRIDE, mask) for volume in (predicted, truth)]
    if len(chosen[0]) < 2:
        return None
    return frechet_distance(*(extract_features(volumes, network) for volumes in chosen))
