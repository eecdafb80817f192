"""HU of the kidneys and of what surrounds them, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt

from NephroSynthLib.imaging.grids import AIR_HU, Box, box_around, resample, same_grid
from NephroSynthLib.imaging.sides import SIDES

RIM_MM = 6.0
"""Depth of the rim that stands for the cortex; 5.9 mm on average in Beland et al., AJR 195:W146 (2010)."""

SURROUNDINGS_MM = (2.0, 10.0)
"""Distance from the kidney of its surroundings; nearer voxels hold part of the kidney."""


@dataclass(frozen=True)
class RegionStatistics:
    """HU of one region in one phase.

    Attributes:
        side: 'right' or 'left'.
        tissue: 'kidney', 'cortex' (its outer 6 mm), 'inner' (the rest) or 'surroundings' (2 to 10 mm outside).
        phase: name of the phase.
        mean_hu, sd_hu, median_hu: over the region's voxels.
        volume_ml: of the voxels counted.
    """

    side: str
    tissue: str
    phase: str
    mean_hu: float
    sd_hu: float
    median_hu: float
    volume_ml: float

    def to_dict(self) -> dict[str, str | float]:
        """The same as plain values, for JSON."""
        return asdict(self)


def region_statistics(phases: Mapping[str, sitk.Image], kidneys: sitk.Image) -> list[RegionStatistics]:
    """HU of every region in every phase.

    Args:
        phases: name to image in HU, on any grid of the same frame of reference.
        kidneys: labels, 1 right and 2 left; their grid is the one that counts.

    Returns:
        Rows by side, tissue and phase, in the order of `phases`; a kidney that is not there, a region without voxels
        and a phase that does not cover the region (padding of -1024 HU or lower) have none.
    """
    labels = sitk.GetArrayViewFromImage(kidneys)
    rows = []
    for side, label in SIDES.items():
        if not (labels == label).any():
            continue
        box = box_around(labels == label, kidneys.GetSpacing(), SURROUNDINGS_MM[1])
        cropped = box.crop(kidneys)
        regions = list(_tissues(sitk.GetArrayViewFromImage(cropped), label, kidneys.GetSpacing()))
        volumes = {name: sitk.GetArrayFromImage(_cut(image, kidneys, box)) for name, image in phases.items()}
        for tissue, mask in regions:
            seen = {name: hu[mask & (hu > AIR_HU)] for name, hu in volumes.items()}
            rows += [_row(side, tissue, name, hu, cropped) for name, hu in seen.items() if hu.size]
    return rows


def _cut(image: sitk.Image, grid: sitk.Image, box: Box) -> sitk.Image:
    return box.crop(image) if same_grid(image, grid) else resample(image, box.crop(grid))


def _tissues(labels: np.ndarray, label: int, spacing: tuple[float, float, float]) -> Iterator[tuple[str, np.ndarray]]:
    kidney = labels == label
    step = spacing[::-1]
    depth = distance_transform_edt(kidney, sampling=step)
    distance = distance_transform_edt(~kidney, sampling=step)
    near, far = SURROUNDINGS_MM
    yield "kidney", kidney
    yield "cortex", kidney & (depth <= RIM_MM)
    yield "inner", kidney & (depth > RIM_MM)
    yield "surroundings", (labels == 0) & (distance >= near) & (distance <= far)


def _row(side: str, tissue: str, phase: str, hu: np.ndarray, grid: sitk.Image) -> RegionStatistics:
    values = hu.astype(np.float64)
    voxel_ml = float(np.prod(grid.GetSpacing())) / 1000
    return RegionStatistics(
        side, tissue, phase, float(values.mean()), float(values.std()), float(np.median(values)), values.size * voxel_ml
    )
