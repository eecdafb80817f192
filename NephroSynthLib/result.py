"""What a run gives back, and how it is saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from NephroSynthLib.evaluation import Metrics
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.files.notice import RESEARCH_ONLY, SIMULATED_TRAINING
from NephroSynthLib.files.outputs import OUTPUTS, REPORT, SUMMARY, TRANSFORM
from NephroSynthLib.files.staging import staged_folder
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.registration import Registration
from NephroSynthLib.segmentation.segmenter import Segmentation
from NephroSynthLib.settings import Settings
from NephroSynthLib.synthesis.nephrographic import Synthesis

ImageFormat = Literal["nifti", "nrrd"]
"""How images are saved: compressed NIfTI, or uncompressed NRRD, which is quick to write and to load."""


class ModelSummary(BaseModel):
    """Which model made a part of the result; `given` and no sha256 where the user gave the part."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str


class Summary(BaseModel):
    """The content of `result.json`.

    Attributes:
        schema_version: raised whenever a field changes its meaning or goes.
        notice: research use only.
        registration: mode used, figures of quality and verdict.
        segmentation: volume in ml of each kidney, by phase and side.
        synthesis: box of voxels (start and size in x, y, z) that the model synthesized, sampler, steps, samples.
        metrics: comparison with the acquired nephrographic phase; None if none was given.
        timings_s: seconds of each stage.
        peak_memory_mb: largest resident memory of the process in MiB.
        model: models by stage.
        settings: all settings of the run.
        versions: of NephroSynth, Python and the libraries that computed the result.
        warnings: what the user should know, as sentences.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(1, ge=1)
    notice: str = f"{RESEARCH_ONLY} {SIMULATED_TRAINING}"
    registration: dict[str, JsonValue]
    segmentation: dict[str, dict[str, float]]
    synthesis: dict[str, JsonValue]
    metrics: dict[str, JsonValue] | None
    timings_s: dict[str, float]
    peak_memory_mb: float
    model: dict[str, ModelSummary]
    settings: dict[str, JsonValue]
    versions: dict[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Acquired:
    """The acquired nephrographic phase, brought onto the reference grid to be compared with the synthetic one."""

    registration: Registration
    metrics: Metrics

    @property
    def image(self) -> sitk.Image:
        """HU on the reference grid."""
        return self.registration.registered


@dataclass(frozen=True)
class Result:
    """Everything a run has made, on the reference grid.

    Attributes:
        exam: the phases that went in.
        segmentation: kidneys of the non-contrast phase.
        excretory_segmentation: kidneys of the excretory phase, on its own grid.
        registration: the excretory phase on the reference grid.
        synthesis: the synthetic nephrographic phase.
        acquired: the acquired one with its comparison; None if none was given.
        settings: of the run.
        timings_s: seconds by stage.
        peak_memory_mb: largest resident memory in MiB.
        versions: of the software.
        warnings: what the user should know.
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
    warnings: tuple[str, ...] = field(default=())

    def summary(self) -> Summary:
        """What `result.json` holds."""
        chosen = self.settings.synthesis
        region = self.synthesis.region
        models = {"segmentation": self.segmentation.model, "synthesis": self.synthesis.model}
        return Summary(
            registration={"mode": self.registration.mode, **self.registration.quality.to_dict()},
            segmentation={
                "noncontrast": self.segmentation.volumes_ml,
                "excretory": self.excretory_segmentation.volumes_ml,
            },
            synthesis={
                "region_start": list(region.start),
                "region_size": list(region.size),
                "sampler": chosen.sampler,
                "steps": chosen.steps,
                "samples": chosen.samples,
            },
            metrics=self.acquired.metrics.to_dict() if self.acquired else None,
            timings_s={stage: round(seconds, 2) for stage, seconds in self.timings_s.items()},
            peak_memory_mb=round(self.peak_memory_mb, 1),
            model={stage: ModelSummary(name=name, sha256=sha256) for stage, (name, sha256) in models.items()},
            settings=self.settings.model_dump(mode="json"),
            versions=self.versions,
            warnings=self.warnings,
        )

    def save(self, out: Path, overwrite: bool = False, images: ImageFormat = "nifti") -> dict[str, Any]:
        """Writes all files into a folder, which appears whole or not at all.

        Args:
            out: the folder.
            overwrite: whether an earlier result there may be replaced.
            images: their format.

        Returns:
            The summary as JSON.

        Raises:
            UsageError: If the folder is filled and may not be replaced.
            ResourceError: If the disk is full or not writable.
        """
        from NephroSynthLib.report.report import write_report

        summary = self.summary()
        with staged_folder(out, overwrite, OUTPUTS["run"]) as folder:
            for name, image in self._images().items():
                suffix, compress = (".nii.gz", True) if images == "nifti" else (".nrrd", False)
                save_image(image, folder / f"{name}{suffix}", compress)
            sitk.WriteTransform(self.registration.transform, str(folder / TRANSFORM))
            (folder / SUMMARY).write_text(summary.model_dump_json(indent=2), encoding="utf-8")
            write_report(self, folder / REPORT)
        return summary.model_dump(mode="json")

    def _images(self) -> dict[str, sitk.Image]:
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
