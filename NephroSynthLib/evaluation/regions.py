"""HU of the kidneys and of their surroundings, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import AIR_HU, Spacing, box_around
from NephroSynthLib.imaging.sides import SIDES

RIM_MM = 6.0
"""Depth of the rim that stands for the cortex; 5.9 mm on average in Beland et al., AJR 195:W146 (2010)."""

SURROUNDINGS_MM = (2.0, 10.0)
"""Distance of the surroundings from the kidney; nearer voxels hold part of the kidney."""


@dataclass(frozen=True)
class RegionStatistics:
    """HU of one region in one phase.

    Attributes:
        side: 'right' or 'left'.
        tissue: 'kidney', 'cortex' (its outer 6 mm), 'inner' (the rest) or 'surroundings' (2 to 10 mm outside).
        phase: Name of the phase.
        mean_hu: Mean over the voxels of the region.
        sd_hu: Their standard deviation.
        median_hu: Their median.
        volume_ml: Volume of the voxels that were counted.
    """

    side: str
    tissue: str
    phase: str
    mean_hu: float
    sd_hu: float
    median_hu: float
    volume_ml: float

    def to_dict(self) -> dict[str, str | float]:
        """Returns the row as plain values, for JSON."""
        return asdict(self)


def region_statistics(phases: Mapping[str, sitk.Image], kidneys: sitk.Image) -> list[RegionStatistics]:
    """Measures the HU of every region in every phase.

    Args:
        phases: Image in HU by name of the phase, on any grid of one frame of reference.
        kidneys: Labels, 1 right and 2 left, on whose grid the regions are measured.

    Returns:
        Rows by side, tissue and phase, in the order of `phases`. There is no row for a kidney that is absent, for a
        region without voxels, and for a phase that does not cover the region (padding of -1024 HU or lower).
    """
    labels = sitk.GetArrayViewFromImage(kidneys)
    rows = []
    for side, label in SIDES.items():
        if not (labels == label).any():
            continue
        box = box_around(labels == label, kidneys.GetSpacing(), SURROUNDINGS_MM[1])
        cropped = box.crop(kidneys)
        regions = list(_tissues(sitk.GetArrayViewFromImage(cropped), label, kidneys.GetSpacing()))
        volumes = {name: sitk.GetArrayFromImage(box.crop_on(kidneys, image)) for name, image in phases.items()}
        for tissue, mask in regions:
            seen = {name: hu[mask & (hu > AIR_HU)] for name, hu in volumes.items()}
            rows += [_row(side, tissue, name, hu, cropped) for name, hu in seen.items() if hu.size]
    return rows


def _tissues(labels: NDArray[np.integer], label: int, spacing: Spacing) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    kidney = labels == label
    step = spacing[::-1]
    depth = ndimage.distance_transform_edt(kidney, sampling=step)
    distance = ndimage.distance_transform_edt(~kidney, sampling=step)
    near, far = SURROUNDINGS_MM
    yield "kidney", kidney
    yield "cortex", kidney & (depth <= RIM_MM)
    yield "inner", kidney & (depth > RIM_MM)
    yield "surroundings", (labels == 0) & (distance >= near) & (distance <= far)


def _row(side: str, tissue: str, phase: str, hu: NDArray[np.number], grid: sitk.Image) -> RegionStatistics:
    values = hu.astype(np.float64)
    voxel_ml = float(np.prod(grid.GetSpacing())) / 1000
    return RegionStatistics(
        side, tissue, phase, float(values.mean()), float(values.std()), float(np.median(values)), values.size * voxel_ml
    )
