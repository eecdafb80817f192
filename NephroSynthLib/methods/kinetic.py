"""The kinetic baseline: enhancement in proportion to the excretory phase. Each learned method must beat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict
from typing_extensions import Self

from NephroSynthLib.imaging.full_range import MOST_HU
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.methods.method import HU, Case, Method
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    import torch

    from NephroSynthLib.models.bundle import ModelBundle

ENHANCEMENT_RATIO = 1.84
SMOOTHING_MM = 1.0
FEWEST_TO_SMOOTH = 4
"""Voxels along an axis that ITK's recursive filter needs."""
COLLECTING_SYSTEM_HU = 260.0


class FloorConfig(BaseModel):
    """Configuration of a floor: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Floor:
    """Base of methods without weights, noise and anything to learn, over the full range of HU."""

    window_hu: ClassVar[tuple[float, float]] = (AIR_HU, MOST_HU)
    mean_in_one_step: ClassVar[bool] = False

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Method.restore`."""
        bundle.configuration(FloorConfig)
        return cls()


class Kinetic(Floor):
    """The kinetic baseline as a method; its constants are fitted once."""

    name: ClassVar[str] = "kinetic"
    title: ClassVar[str] = "Kinetic baseline"

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`."""
        noncontrast, excretory = (sitk.GetImageFromArray(hu) for hu in (case.noncontrast, case.excretory))
        for image in (noncontrast, excretory):
            image.SetSpacing(case.spacing)
        hu = sitk.GetArrayFromImage(kinetic_baseline(noncontrast, excretory))
        progress.update(1.0, "Synthesizing the nephrographic phase")
        return hu.clip(*self.window_hu)


if TYPE_CHECKING:
    _conforms: type[Method] = Kinetic


def kinetic_baseline(noncontrast: sitk.Image, excretory: sitk.Image) -> sitk.Image:
    """Returns NCP + c (EP - NCP), smoothed.

    `c` and the width of the Gaussian are fitted on simulated training exams without the collecting system
    (`python -m NephroSynthLib.training.kinetic_fit`). Where the excretory phase is as dense as urine with contrast, the
    contrast was excreted after the nephrographic phase, so the non-contrast value stays. It also stays outside the
    field of view of the excretory phase.

    Args:
        noncontrast: HU.
        excretory: HU, aligned, on the same grid.

    Returns:
        HU, float32, on the same grid.
    """
    before, after = (sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32)) for image in (noncontrast, excretory))
    seen = (after > AIR_HU) & (after < COLLECTING_SYSTEM_HU)
    enhancement = np.where(seen, after - before, 0)
    hu = np.maximum(before + ENHANCEMENT_RATIO * enhancement, AIR_HU)  # moved gas and lung would be below air
    result = sitk.GetImageFromArray(hu.astype(np.float32))
    result.CopyInformation(noncontrast)
    return _smoothed(result)


def _smoothed(image: sitk.Image) -> sitk.Image:
    """Returns an image smoothed by a Gaussian; a side of fewer than four voxels is too short for it and stays."""
    for axis, size in enumerate(image.GetSize()):
        if size >= FEWEST_TO_SMOOTH:
            image = sitk.RecursiveGaussian(image, SMOOTHING_MM, direction=axis)
    return image
