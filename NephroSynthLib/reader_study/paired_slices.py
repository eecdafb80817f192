"""Axial slices of a real and a synthetic volume, at the same places and with the same field of view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError, NoKidneyError
from NephroSynthLib.exam.kidney_labels import read_kidneys
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.grids import Box, box_around, canonical, same_grid
from NephroSynthLib.reader_study.image_pair import ImagePair

MARGIN_MM = 15.0
"""Shown around the kidneys. The synthesized region has a margin of 25 mm, of which the outer 10 mm are blended."""


@dataclass(frozen=True)
class PairedSlice:
    """One axial slice of both volumes.

    Attributes:
        exam: Name of the exam.
        index: Index of the slice from the feet.
        real: HU (y, x), from anterior to posterior and from the patient's right to the left.
        synthetic: HU at the same places.
        pixel_mm: Size of a pixel along y and x.
    """

    exam: str
    index: int
    real: NDArray[np.float32]
    synthetic: NDArray[np.float32]
    pixel_mm: tuple[float, float]


def paired_slices(pair: ImagePair, count: int) -> Iterator[PairedSlice]:
    """Cuts slices out of a pair of volumes, evenly spaced through the kidneys.

    With a label map the pictures are cut to the kidneys and `MARGIN_MM` around them. Without one they are whole slices
    from the middle half of the volume.

    Args:
        pair: The pair.
        count: Number of slices; fewer where the kidneys cross fewer.

    Raises:
        InputError: If a volume cannot be read, if both do not lie on one grid, or if the label map holds no kidney.
    """
    real, synthetic = (
        canonical(read_volume(path, f"{role} volume of '{pair.exam}'").image)
        for path, role in ((pair.real, "real"), (pair.synthetic, "synthetic"))
    )
    if not same_grid(real, synthetic):
        raise GeometryError(f"The volumes of '{pair.exam}' do not lie on one grid.", Action.RESAMPLE)
    box, indices = _place(pair, synthetic)
    first, second = (sitk.GetArrayFromImage(image) for image in (real, synthetic))
    rows, columns = box.slices[1:]
    width_mm, height_mm = real.GetSpacing()[:2]
    for part in np.array_split(indices, min(count, len(indices))):
        index = int(part[len(part) // 2])
        yield PairedSlice(
            pair.exam, index, first[index, rows, columns], second[index, rows, columns], (height_mm, width_mm)
        )


def _place(pair: ImagePair, image: sitk.Image) -> tuple[Box, NDArray[np.intp]]:
    """Returns the field of view, and the indices of the slices to choose from."""
    size = image.GetSize()
    if pair.kidneys is None:
        return Box((0, 0, 0), size), np.arange(size[2] // 4, size[2] - size[2] // 4)
    mask = sitk.GetArrayFromImage(canonical(read_kidneys(pair.kidneys, image)[0])) > 0
    if not mask.any():
        raise NoKidneyError(f"The label map of '{pair.exam}' holds no kidney.", Action.GIVE_KIDNEYS)
    return box_around(mask, image.GetSpacing(), MARGIN_MM), np.flatnonzero(mask.any(axis=(1, 2)))
