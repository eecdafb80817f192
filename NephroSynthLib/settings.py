"""Typed, validated settings of every stage; JSON in and out.

Defaults, ranges and descriptions come from `NephroSynthLib.options`.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from NephroSynthLib import options
from NephroSynthLib.options import LandmarkUse, Option, RegistrationMode, SamplerName


def field(option: Option[Any], **extra: Any) -> Any:
    """Returns the pydantic field of an option: its default, range and help.

    Args:
        option: The option.
        extra: Further arguments of `pydantic.Field`.
    """
    return Field(option.default, ge=option.least, le=option.most, description=option.help, **extra)


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RegistrationSettings(_Settings):
    """How the excretory phase is registered to the non-contrast phase."""

    mode: RegistrationMode = field(options.REGISTRATION)
    ssim_gate: float = field(options.SSIM_GATE)
    landmark_use: LandmarkUse = field(options.LANDMARK_USE)


class SegmentationSettings(_Settings):
    """How the kidneys are found in each phase."""

    model: str = field(options.SEGMENTATION_MODEL)
    steps: int = field(options.SEGMENTATION_STEPS)


class SynthesisSettings(_Settings):
    """How the nephrographic phase is sampled.

    Attributes:
        excretory_delay_s: Seconds from the injection to the excretory phase; None if it is not known.
        nephrographic_delay_s: Seconds from the injection to the nephrographic phase that is wanted; None for any.
        weight_kg: Body weight; None if it is not known.
        iodine_g: Mass of the injected iodine; None if it is not known.
        egfr_ml_min: Glomerular filtration rate of both kidneys; None if it is not known.
        margin_mm: Width of the synthesized region around the kidneys.
    """

    model: str = field(options.SYNTHESIS_MODEL)
    sampler: SamplerName = field(options.SAMPLER)
    steps: int = field(options.STEPS)
    samples: int = field(options.SAMPLES)
    excretory_delay_s: float | None = field(options.EXCRETORY_DELAY)
    nephrographic_delay_s: float | None = field(options.NEPHROGRAPHIC_DELAY)
    weight_kg: float | None = field(options.WEIGHT)
    iodine_g: float | None = field(options.IODINE)
    egfr_ml_min: float | None = field(options.EGFR)
    margin_mm: float = field(options.MARGIN)

    @property
    def denoising_steps(self) -> int:
        """The steps that are taken: `steps`, or the least number for samples that differ."""
        return self.steps if self.samples == 1 else max(self.steps, options.LEAST_STEPS_OF_SAMPLES)


class Settings(_Settings):
    """Settings of a whole run.

    Attributes:
        spacing: Output voxel size in mm: left-right, front-back, head-foot; 0 keeps the input's, None its grid.
        delay_from_dicom: Whether a delay that is not given is taken from the DICOM header.
        patient_from_dicom: Whether a weight and an iodine dose that are not given are taken from the DICOM header.

    Example:
        >>> Settings(seed=7, synthesis={"steps": 8}).synthesis.steps
        8
    """

    registration: RegistrationSettings = RegistrationSettings()
    segmentation: SegmentationSettings = SegmentationSettings()
    synthesis: SynthesisSettings = SynthesisSettings()
    device: str = field(options.DEVICE)
    seed: int = field(options.SEED)
    spacing: tuple[float, float, float] | None = Field(options.SPACING.default, description=options.SPACING.help)
    delay_from_dicom: bool = Field(False, description="Take a delay that is not given from the DICOM header.")
    patient_from_dicom: bool = field(options.PATIENT_FROM_DICOM)
    strict: bool = field(options.STRICT)

    @field_validator("device")
    @classmethod
    def _check_device(cls, value: str) -> str:
        name = value.lower()
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
            raise ValueError("must be auto, cpu, mps, cuda or cuda:N")
        return name

    @field_validator("spacing")
    @classmethod
    def _check_spacing(cls, value: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
        least, most = options.SPACING.least or 0.0, options.SPACING.most or 0.0
        if value is not None and not all(size == 0 or least <= size <= most for size in value):
            raise ValueError(f"must be sizes between {least:g} and {most:g} mm, or 0 to keep the input's")
        return value
