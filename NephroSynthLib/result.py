"""The result of a run, and its summary, which is the content of `result.json`."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, cast

import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from NephroSynthLib import __version__
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.models.training_data import training_notice
from NephroSynthLib.settings import Settings

if TYPE_CHECKING:
    from NephroSynthLib.evaluation import Metrics
    from NephroSynthLib.registration import Registration
    from NephroSynthLib.segmentation.segmenter import Segmentation
    from NephroSynthLib.synthesis.nephrographic import Synthesis


class ModelSummary(BaseModel):
    """The model of a part of the result; its name is `given`, without a sha256, where the user gave the part."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str


class Summary(BaseModel):
    """The content of `result.json`.

    Attributes:
        schema_version: Raised whenever a field changes its meaning or goes.
        notice: That the result is for research only, and the exams that its models learned from.
        label: The name that the user gave the exam; empty if none was given.
        registration: Mode used, figures of quality and verdict.
        segmentation: Volume in ml of each kidney, by phase and side.
        synthesis: Box of voxels (start and size in x, y, z) that the model synthesized, sampler, steps, samples.
        enhancement: Estimate by a kinetic model of the nephrographic enhancement of cortex and medulla (mean and
            standard deviation in HU), and the measured excretory enhancement that it is fitted to. None
            in a result of an earlier version.
        metrics: Comparison with the acquired nephrographic phase; None if none was given.
        timings_s: Seconds of each stage.
        peak_memory_mb: Largest resident memory of the process in MiB.
        model: Models by stage.
        settings: All settings of the run.
        device: The device that the networks ran on.
        versions: Versions of NephroSynth, Python and the libraries that computed the result.
        warnings: Doubts that the user must weigh, as sentences.
        notes: Information about how the result came about, as sentences.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(1, ge=1)
    notice: str
    label: str = ""
    registration: dict[str, JsonValue]
    segmentation: dict[str, dict[str, float]]
    synthesis: dict[str, JsonValue]
    enhancement: dict[str, JsonValue] | None = None
    metrics: dict[str, JsonValue] | None
    timings_s: dict[str, float]
    peak_memory_mb: float
    model: dict[str, ModelSummary]
    settings: dict[str, JsonValue]
    device: str = ""
    versions: dict[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Acquired:
    """The acquired nephrographic phase on the reference grid, compared with the synthetic one.

    Attributes:
        registration: The acquired phase registered to the non-contrast phase.
        metrics: The comparison.
        references: The comparison of images without a model with the acquired phase, by name: the registered excretory
            phase and the kinetic baseline.
    """

    registration: Registration
    metrics: Metrics
    references: dict[str, Metrics] = field(default_factory=dict)

    def to_dict(self) -> dict[str, JsonValue]:
        """Returns the comparison and those of the references as plain numbers, for JSON."""
        references: dict[str, JsonValue] = {}
        for name, metrics in self.references.items():
            figures = metrics.to_dict()
            references[name] = {"around": figures["around"], "inside": figures["inside"]}
        return {**self.metrics.to_dict(), "references": references}

    @property
    def image(self) -> sitk.Image:
        """The acquired phase, HU on the reference grid."""
        return self.registration.registered

    @property
    def warnings(self) -> tuple[str, ...]:
        """Doubts about the comparison."""
        return tuple(f"Acquired nephrographic phase: {text}" for text in self.registration.warnings)


@dataclass(frozen=True)
class Result:
    """Everything that a run has made, on the reference grid.

    Attributes:
        exam: The phases that went in.
        segmentation: Kidneys of the non-contrast phase.
        excretory_segmentation: Kidneys of the excretory phase, on its own grid.
        registration: The excretory phase on the reference grid.
        synthesis: The synthetic nephrographic phase.
        acquired: The acquired phase with its comparison; None if none was given.
        settings: The settings of the run.
        timings_s: Seconds by stage.
        peak_memory_mb: Largest resident memory in MiB.
        versions: Versions of the software.
    """

    exam: Exam
    segmentation: Segmentation
    excretory_segmentation: Segmentation
    registration: Registration
    synthesis: Synthesis
    acquired: Acquired | None
    settings: Settings
    timings_s: dict[str, float]
    peak_memory_mb: float
    versions: dict[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all stages: doubts that the user must weigh."""
        acquired = self.acquired.warnings if self.acquired is not None else ()
        return _unique(
            *self.exam.warnings,
            *self.segmentation.warnings,
            *self.excretory_segmentation.warnings,
            *self.registration.warnings,
            *acquired,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Information that is no doubt, such as the DICOM series that were chosen."""
        return _unique(
            *self.exam.notes,
            *self.segmentation.notes,
            *self.excretory_segmentation.notes,
            *self.registration.notes,
        )

    @property
    def models(self) -> dict[str, tuple[str, str]]:
        """Name and sha256 of the model of each stage."""
        return {"segmentation": self.segmentation.model, "synthesis": self.synthesis.model}

    def _training_notice(self) -> str:
        chosen = {"segmentation": self.settings.segmentation.model, "synthesis": self.settings.synthesis.model}
        return training_notice({stage: (chosen[stage], sha256) for stage, (_, sha256) in self.models.items()})

    def summary(self) -> Summary:
        """Returns the content of `result.json`."""
        from NephroSynthLib.models.device import device_used  # loads torch, which who reads a summary does not need

        chosen = self.settings.synthesis
        region = self.synthesis.region
        return Summary(
            notice=f"{RESEARCH_ONLY} {self._training_notice()}".strip(),
            label=self.exam.label,
            registration={"mode": self.registration.mode, **self.registration.quality.to_dict()},
            segmentation={
                "noncontrast": self.segmentation.volumes_ml,
                "excretory": self.excretory_segmentation.volumes_ml,
            },
            synthesis={
                "region_start": list(region.start),
                "region_size": list(region.size),
                "sampler": chosen.sampler,
                "steps": chosen.denoising_steps,
                "samples": chosen.samples,
            },
            enhancement=cast(dict[str, JsonValue], self.synthesis.enhancement.to_dict()),
            metrics=self.acquired.to_dict() if self.acquired else None,
            timings_s={stage: round(seconds, 2) for stage, seconds in self.timings_s.items()},
            peak_memory_mb=round(self.peak_memory_mb, 1),
            model={stage: ModelSummary(name=name, sha256=sha256) for stage, (name, sha256) in self.models.items()},
            settings=self.settings.model_dump(mode="json"),
            device=device_used(self.settings.device),
            versions=self.versions,
            warnings=self.warnings,
            notes=self.notes,
        )

    def images(self) -> dict[str, sitk.Image]:
        """Returns the images to save, by the name of their file."""
        images = {
            "synthetic_nephrographic": self.synthesis.image,
            "excretory_registered": self.registration.registered,
            "kidneys": self.segmentation.labels,
        }
        if self.synthesis.uncertainty is not None:
            images["uncertainty"] = self.synthesis.uncertainty
        if self.acquired is not None:
            images["acquired_registered"] = self.acquired.image
        return images


def versions() -> dict[str, str]:
    """Returns the versions of the software that computes a result."""
    libraries = ("torch", "antspyx", "SimpleITK", "monai", "numpy")
    return {
        "NephroSynth": __version__,
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in libraries},
    }


def _unique(*sentences: str) -> tuple[str, ...]:
    """Returns sentences in their order, each once."""
    return tuple(dict.fromkeys(sentences))
