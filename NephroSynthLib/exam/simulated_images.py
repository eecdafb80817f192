"""Simulated exams as SimpleITK images."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.simulation import Grid, SimulatedExam


def to_image(array: NDArray[np.generic], grid: Grid) -> sitk.Image:
    """Returns an array as a SimpleITK image.

    Args:
        array: Scalars (z, y, x), or a vector field (3, z, y, x).
        grid: The voxels of the array.
    """
    vector = array.ndim == 4
    image = sitk.GetImageFromArray(np.moveaxis(array, 0, -1) if vector else array, isVector=vector)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    return image


def to_images(exam: SimulatedExam) -> dict[str, sitk.Image]:
    """Returns the phases and the truth of a simulated exam as SimpleITK images.

    Args:
        exam: The exam.

    Returns:
        'noncontrast', 'nephrographic' and 'excretory' (float32 HU, each on its own grid); on the reference grid
        'labels' and 'kidneys' (uint8), 'nephrographic_truth' (float32 HU), and 'nephrographic_displacement' and
        'excretory_displacement' (float64 vectors in LPS mm, as SimpleITK's displacement field transform takes them).

    Example:
        images = to_images(simulate(900_001))
        sitk.WriteImage(images["noncontrast"], "noncontrast.nii.gz")
    """
    images = {name: to_image(phase.hu, phase.grid) for name, phase in exam.phases.items()}
    images["labels"] = to_image(exam.labels, exam.reference)
    images["kidneys"] = to_image(exam.kidneys, exam.reference)
    images["nephrographic_truth"] = to_image(exam.nephrographic_truth, exam.reference)
    for name in ("nephrographic", "excretory"):
        images[f"{name}_displacement"] = to_image(exam.phases[name].displacement.astype(np.float64), exam.reference)
    return images
