"""The jobs `run` and `demo`: the whole pipeline on one exam, from files to a folder with the result."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator, model_validator

from NephroSynthLib import options
from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.files.staging import check_apart, check_space, check_target, staged_folder
from NephroSynthLib.jobs.chosen_models import check_chosen_models
from NephroSynthLib.jobs.dicom_output import (
    EXCRETORY_SERIES,
    NEPHROGRAPHIC_SERIES,
    NONCONTRAST_SERIES,
    need_library,
)
from NephroSynthLib.jobs.landmark_input import RegisteringRequest
from NephroSynthLib.jobs.request import KIDNEYS_HELP, DicomFolder, Flag, Summary, Volume, WritingRequest
from NephroSynthLib.jobs.run_input import RunInput, export_run, find_series, with_series
from NephroSynthLib.options import ImageFormat
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings, field

if TYPE_CHECKING:
    from NephroSynthLib.exam.exam import Exam


class RunRequest(RegisteringRequest, WritingRequest):
    """Runs the whole job: segment, register, synthesize, judge, report."""

    noncontrast: Volume | None = Field(None, description="Non-contrast phase.")
    excretory: Volume | None = Field(None, description="Excretory phase.")
    nephrographic: Volume | None = Field(None, description="Acquired nephrographic phase, to compare with.")
    dicom: DicomFolder | None = Field(None, description="DICOM exam; its phases are found, instead of given.")
    noncontrast_series: str | None = Field(None, description=NONCONTRAST_SERIES)
    excretory_series: str | None = Field(None, description=EXCRETORY_SERIES)
    nephrographic_series: str | None = Field(None, description=NEPHROGRAPHIC_SERIES)
    dicom_out: Path | None = Field(None, description="Folder for the result as DICOM, in the source's study.")
    deidentify: bool = field(options.DEIDENTIFY)
    kidneys: Path | None = Field(None, description=KIDNEYS_HELP)
    label: str = field(options.LABEL)
    images: Annotated[ImageFormat, Flag(hidden=True)] = field(options.IMAGES)

    @field_validator("label")
    @classmethod
    def _check_label(cls, value: str) -> str:
        if len(value) > options.LONGEST_LABEL:
            raise ValueError(f"must have at most {options.LONGEST_LABEL} characters")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _check_phases(self) -> RunRequest:
        """Checks that either the two phases are given, or a DICOM exam in which to find them."""
        phases = (self.noncontrast, self.excretory, self.nephrographic)
        if self.dicom is None and None in phases[:2]:
            raise UsageError("The non-contrast or the excretory phase is missing.", Action.GIVE_PHASES)
        if self.dicom is not None and any(phase is not None for phase in phases):
            raise UsageError("Phases are given beside a DICOM exam that has its own.", Action.GIVE_PHASES)
        if self.dicom is None and (self.noncontrast_series or self.excretory_series or self.nephrographic_series):
            raise UsageError("A series is named, but no DICOM exam is given.", Action.GIVE_DICOM_PHASES)
        if self.deidentify and self.dicom_out is None:
            raise UsageError(
                "Identifiers are removed from DICOM output, and no DICOM output is asked for.",
                Action.GIVE_DICOM_OUTPUT,
            )
        return self


def run(request: RunRequest, progress: Progress) -> Summary:
    """Runs the pipeline on the phases that are given, or that are found in a DICOM exam.

    Args:
        request: The inputs, outputs and settings.
        progress: Receives the progress; may cancel.

    Returns:
        The content of `result.json`.

    Raises:
        NephroSynthError: If the input or a target is refused, before anything is computed; or if a stage fails.
    """
    from NephroSynthLib.exam.exam import read_exam

    check_chosen_models(request.settings, "segmentation", "synthesis")
    landmarks, initial = request.read_landmarks(), request.read_initial()
    wants_dicom = request.dicom_out is not None
    if request.dicom_out is not None:
        need_library("highdicom")
        check_apart(request.out, request.dicom_out)
        check_target(request.dicom_out, request.overwrite, OUTPUTS["export-dicom"])
    reading = progress.stage("read")
    given = input_of(request, reading.part(0.0, 0.5))
    if wants_dicom:
        given = with_series(given, reading.part(0.5, 0.6))
    reading = reading.part(0.6 if request.dicom is not None or wants_dicom else 0.0, 1.0)
    exam = read_exam(given.noncontrast, given.excretory, given.nephrographic, request.kidneys, progress=reading)
    exam = replace(exam, notes=(*given.notes, *exam.notes), label=request.label)
    _check_space(request, exam)
    from NephroSynthLib import pipeline  # after the exam: a refused one need not wait for the networks' libraries
    from NephroSynthLib.jobs.result_folder import save_result

    result = pipeline.run(exam, request.settings, progress, landmarks=landmarks, initial=initial)
    progress.stage("save").update(0.0, "Writing the result")
    with staged_folder(request.out, request.overwrite, OUTPUTS["run"]) as folder:
        summary = save_result(result, folder, images=request.images)
        if request.dicom_out is not None:
            export_run(result, given, request.dicom_out, deidentify=request.deidentify, overwrite=request.overwrite)
    replace(progress.stage("save"), cancelled=lambda: False).update(1.0)  # it is too late to cancel
    return summary


def _check_space(request: RunRequest, exam: Exam) -> None:
    """Refuses output folders on disks with less room than the images need. Compression about halves them.

    Raises:
        ResourceError: If a disk has less.
    """
    from NephroSynthLib.imaging.grids import along_stored_axes

    image = exam.noncontrast
    voxels = math.prod(image.GetSize())
    if request.settings.spacing is not None:
        wanted = along_stored_axes(image, request.settings.spacing)
        voxels *= math.prod(old / (new or old) for old, new in zip(image.GetSpacing(), wanted, strict=True))
    floats = 2 + (exam.nephrographic is not None) + (request.settings.synthesis.samples > 1)
    check_space(request.out, round(4 * voxels * floats * (0.5 if request.images == "nifti" else 1)))
    if request.dicom_out is not None:
        check_space(request.dicom_out, round(2 * voxels))


def input_of(request: RunRequest, progress: Progress) -> RunInput:
    """Returns the phases that a request gives, or the series that are found in its DICOM exam."""
    if request.dicom is not None:
        named = {
            "noncontrast": request.noncontrast_series,
            "excretory": request.excretory_series,
            "nephrographic": request.nephrographic_series,
        }
        return find_series(request.dicom, {phase: name for phase, name in named.items() if name}, progress)
    assert request.noncontrast is not None, "the request checks it"
    assert request.excretory is not None, "the request checks it"
    return RunInput(request.noncontrast, request.excretory, request.nephrographic)


class DemoRequest(WritingRequest):
    """Simulates an exam and runs the whole pipeline on it, on the CPU."""

    out: Path = Field(Path("demo"), description="Folder for the result; it must not exist, or be empty.")
    settings: Annotated[Settings, Flag(hidden=True)] = Settings(device="cpu")


def demo(request: DemoRequest, progress: Progress) -> Summary:
    """Runs the pipeline on a simulated exam and compares the result with its true nephrographic phase."""
    from NephroSynthLib.jobs.simulated_files import SimulatedFiles
    from NephroSynthLib.simulation import Grid

    grid = Grid((80, 224, 256), (1.4, 1.4, 2.5), (-178.5, -156.1, -98.75))
    check_space(request.out, 4 * math.prod(grid.shape) * 5)  # three phases, two images of the result
    with staged_folder(request.out, request.overwrite, OUTPUTS["demo"]) as folder:
        exam = folder / "exam"
        simulating = replace(progress, stage_name="simulate")
        simulated = SimulatedFiles.simulate(options.SAMPLE_SEED, simulating.part(0.0, 0.8), grid)
        simulated.write_phases(exam, "nifti", simulating.part(0.8, 1.0))
        inputs = RunRequest(
            noncontrast=exam / "noncontrast.nii.gz",
            excretory=exam / "excretory.nii.gz",
            nephrographic=exam / "nephrographic.nii.gz",
            out=folder / "result",
            settings=request.settings,
        )
        summary = run(inputs, progress)
        for file in (folder / "result").iterdir():
            file.rename(folder / file.name)
        (folder / "result").rmdir()
    return summary
