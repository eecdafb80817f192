"""The slices that a reader of the report can scroll through: axial pictures of each phase, embedded in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.imaging.grids import AIR_HU, resample
from NephroSynthLib.report.planes import Anatomy, Extent

LOWEST_HU, HIGHEST_HU = -300.0, 500.0
"""The range of HU that 8 bits of a picture hold; the reader can choose any window in it."""

_PIXEL_MM = 1.4
_LEAST_STEP_MM = 2.5
_MOST_SLICES = 60
_MARGIN_MM = 20.0
_MOST_PIXELS = 320
_QUALITIES = (88, 75, 60, 45)
_MOST_BYTES = 8_000_000


@dataclass(frozen=True)
class SliceStack:
    """Axial slices of every phase on one grid, from the feet to the head.

    Attributes:
        phases: Data URIs of JPEG pictures by name of the phase, one for each slice. Grey 0 to 255 is
            `LOWEST_HU` to `HIGHEST_HU`.
        width: Pixels across, from the patient's right to the left.
        height: Pixels down, from anterior to posterior.
        pixel_mm: Size of a pixel.
        step_mm: Distance of two slices.
        first: The slice to show first, which is the one that crosses both kidneys best.
    """

    phases: dict[str, list[str]]
    width: int
    height: int
    pixel_mm: float
    step_mm: float
    first: int


def slice_stack(phases: Mapping[str, sitk.Image], anatomy: Anatomy) -> SliceStack:
    """Samples axial slices through the kidneys in each phase, in pictures of together at most 8 MB.

    Args:
        phases: Images in HU on any grid, by name.
        anatomy: Position of the body and the kidneys.
    """
    kidneys, body = anatomy.both_kidneys.grown(_MARGIN_MM), anatomy.body
    extent = Extent(
        np.array([*body.lower[:2], max(kidneys.lower[2], body.lower[2])]),
        np.array([*body.upper[:2], min(kidneys.upper[2], body.upper[2])]),
    )
    size_mm = extent.upper - extent.lower
    pixel = max(_PIXEL_MM, float(size_mm[:2].max()) / _MOST_PIXELS)
    step = max(_LEAST_STEP_MM, float(size_mm[2]) / _MOST_SLICES)
    spacing = np.array([pixel, pixel, step])
    grid = sitk.Image(np.maximum(1, np.round(size_mm / spacing)).astype(int).tolist(), sitk.sitkUInt8)
    grid.SetSpacing(spacing.tolist())
    grid.SetOrigin((extent.lower + spacing / 2).tolist())
    sampled = {name: resample(image, grid, outside=AIR_HU) for name, image in phases.items()}
    grey = {name: _grey(sitk.GetArrayFromImage(image)) for name, image in sampled.items()}
    width, height, count = grid.GetSize()
    first = int(np.clip(round((anatomy.axial_z - grid.GetOrigin()[2]) / step), 0, count - 1))
    return SliceStack(_compressed(grey), width, height, pixel, step, first)


def _grey(hu: NDArray[np.floating]) -> NDArray[np.uint8]:
    return ((hu.clip(LOWEST_HU, HIGHEST_HU) - LOWEST_HU) * (255 / (HIGHEST_HU - LOWEST_HU))).round().astype(np.uint8)


def _compressed(grey: Mapping[str, NDArray[np.uint8]]) -> dict[str, list[str]]:
    """Returns the pictures in the best quality in which all of them fit."""
    for quality in _QUALITIES:
        pictures = {name: list(_jpegs(volume, quality)) for name, volume in grey.items()}
        if sum(len(one) for some in pictures.values() for one in some) <= _MOST_BYTES:
            break
    return pictures


def _jpegs(volume: NDArray[np.uint8], quality: int) -> Iterator[str]:
    for picture in volume:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, format="JPEG", quality=quality)
        yield "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
