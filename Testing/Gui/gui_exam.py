"""A small exam that needs no simulation, and where the module lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "NephroSynth" / "NephroSynth.py"

SIZE, SPACING = (64, 48, 20), (5.0, 5.0, 8.0)
KIDNEYS_HU = {"noncontrast": 30.0, "excretory": 120.0, "nephrographic": 150.0}
"""The HU of the kidneys in each phase of the exam."""


def small_image(value: float, kidneys: float) -> sitk.Image:
    """An ellipse of tissue in a layer of fat, with a spine and two kidneys, HU."""
    z, y, x = np.indices(SIZE[::-1])
    radius = np.hypot((x - 32) / 28, (y - 24) / 20)
    hu = np.select([radius < 0.85, radius < 1], [value, -100.0], -1000.0)
    hu[np.hypot(x - 32, y - 34) < 3] = 1100.0
    for centre in (18, 46):
        hu[((x - centre) / 6) ** 2 + ((y - 28) / 6) ** 2 + ((z - 10) / 6) ** 2 < 1] = kidneys
    image = sitk.GetImageFromArray(hu.astype(np.float32))
    image.SetSpacing(SPACING)
    return image


def small_labels() -> sitk.Image:
    """The kidneys of `small_image`: 1 right, 2 left."""
    image = small_image(0.0, 1.0)
    array = (sitk.GetArrayFromImage(image) == 1.0).astype(np.uint8)
    array[..., 32:] *= 2
    labels = sitk.GetImageFromArray(array)
    labels.CopyInformation(image)
    return labels
