"""Typed, validated settings of every stage; JSON in and out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

RegistrationMode = Literal["two-stage", "affine", "none"]
SamplerName = Literal["ddpm", "ddim", "dpm-solver++"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RegistrationSettings(_Settings):
    """How the excretory phase is brought onto the non-contrast phase."""

    mode: RegistrationMode = "two-stage"
    ssim_gate: float = Field(0.65, ge=0.0, le=1.0, description="SSIM_select of dsSNICT around the kidneys")


class SegmentationSettings(_Settings):
    """How the kidneys are found in each phase."""

    model: str = "kidney-segmenter"
    steps: int = Field(2, ge=1, le=1000)


class SynthesisSettings(_Settings):
    """How the nephrographic phase is sampled."""

    model: str = "nephrographic-synthesizer"
    sampler: SamplerName = "dpm-solver++"
    steps: int = Field(4, ge=1, le=4000)
    samples: int = Field(1, ge=1, le=64)
    excretory_delay_s: float | None = Field(
        None,
        gt=0.0,
        le=3600.0,
        description="from the injection to the excretory phase; None if it is not known",
    )
    margin_mm: float = Field(25.0, ge=10.0, le=200.0, description="synthesized region around the kidneys")


class Settings(_Settings):
    """Settings of a whole run."""

    registration: RegistrationSettings = RegistrationSettings()
    segmentation: SegmentationSettings = SegmentationSettings()
    synthesis: SynthesisSettings = SynthesisSettings()
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    seed: int = Field(0, ge=0, lt=2**63)
    spacing: tuple[float, float, float] | None = Field(
        None,
        description="output voxel size in mm: left-right, front-back, head-foot; 0 keeps the input's, None its grid",
    )
    delay_from_dicom: bool = Field(False, description="take a delay that is not given from the DICOM header")
    strict: bool = False

    @field_validator("spacing")
    @classmethod
    def _check_spacing(cls, value: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
        if value is not None and not all(size == 0 or 0.3 <= size <= 10.0 for size in value):
            raise ValueError("each voxel size must lie between 0.3 and 10 mm, or be 0 to keep the input's")
        return value
