"""Estimate of an exam's nephrographic enhancement: its tissues are measured, and a kinetic model is fitted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import SimpleITK as sitk

from NephroSynthLib.kinetics.posterior import Estimate, Observed, Told, estimate
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.tissue_enhancement import tissue_enhancement

_MG_PER_G = 1000.0


@dataclass(frozen=True)
class EnhancementEstimate:
    """The enhancement of cortex and medulla in the nephrographic phase, by the kinetic model and not by the images.

    Attributes:
        observed: Measured enhancement of the excretory phase.
        estimate: The fit of the kinetic model.
    """

    method: ClassVar[str] = "estimate by a kinetic model"
    tissues: ClassVar[tuple[str, ...]] = ("cortex", "medulla")
    observed: Observed
    estimate: Estimate

    def to_dict(self) -> dict[str, str | dict[str, float | None]]:
        """Returns the method, mean and standard deviation by tissue, and the measured enhancement, in HU, for JSON."""
        fitted: dict[str, dict[str, float | None]] = {
            tissue: {
                "mean_hu": round(self.estimate.mean_hu[tissue], 1),
                "sd_hu": round(self.estimate.sd_hu[tissue], 1),
            }
            for tissue in self.tissues
        }
        measured = {name: None if value is None else round(value, 1) for name, value in asdict(self.observed).items()}
        return {"method": self.method, **fitted, "measured_excretory": measured}


def estimate_enhancement(
    noncontrast: sitk.Image, excretory: sitk.Image, kidneys: sitk.Image, settings: SynthesisSettings
) -> EnhancementEstimate:
    """Estimates the nephrographic enhancement of an exam.

    Args:
        noncontrast: HU, any grid.
        excretory: HU, registered, on the same grid.
        kidneys: Label map on the same grid, kidneys above 0.
        settings: Delays, weight, iodine and filtration rate, as far as they are known.

    Example:
        >>> found = estimate_enhancement(noncontrast, registered, labels, SynthesisSettings(excretory_delay_s=480))
        >>> found.estimate.mean_hu["cortex"], found.estimate.sd_hu["cortex"]
    """
    told = Told(
        excretory_delay_s=settings.excretory_delay_s,
        nephrographic_delay_s=settings.nephrographic_delay_s,
        weight_kg=settings.weight_kg,
        iodine_mg=None if settings.iodine_g is None else _MG_PER_G * settings.iodine_g,
        egfr_ml_min=settings.egfr_ml_min,
    )
    observed = tissue_enhancement(noncontrast, excretory, kidneys)
    return EnhancementEstimate(observed, estimate(observed, told))
