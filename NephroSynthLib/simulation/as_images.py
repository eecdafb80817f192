"""Simulated exams as SimpleITK images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.reference_grid import Grid

if TYPE_CHECKING:
    import SimpleITK

    from NephroSynthLib.simulation.simulated_exam import SimulatedExam


def to_image(array: NDArray[np.generic], grid: Grid) -> SimpleITK.Image:
    """A SimpleITK image of an array (z, y, x), or of a vector field (3, z, y, x), on a grid."""
    import SimpleITK as sitk

    vector = array.ndim == 4
    image = sitk.GetImageFromArray(np.moveaxis(array, 0, -1) if vector else array, isVector=vector)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    return image


def to_images(exam: SimulatedExam) -> dict[str, SimpleITK.Image]:
    """Images of an exam.

    Args:
        exam: a simulated exam.

    Returns:
        'noncontrast', 'nephrographic' and 'excretory' (float32 HU, each on its own grid); on the reference grid
        'labels' and 'kidneys' (uint8), 'nephrographic_truth' (float32 HU) and the displacements
        'nephrographic_displacement' and 'excretory_displacement' (float64
        vectors, LPS mm, as SimpleITK's displacement field transform takes them).
    """
    reference = exam.phases["noncontrast"].grid
    images = {name: to_image(phase.hu, phase.grid) for name, phase in exam.phases.items()}
    images["labels"] = to_image(exam.labels, reference)
    images["kidneys"] = to_image(exam.kidneys, reference)
    images["nephrographic_truth"] = to_image(exam.nephrographic_truth, reference)
    for name in ("nephrographic", "excretory"):
        images[f"{name}_displacement"] = to_image(exam.phases[name].displacement.astype(np.float64), reference)
    return images
