"""The jobs that run one stage: `register`, `segment`, `synthesize` and `evaluate`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from NephroSynthLib.files.outputs import OUTPUTS, TRANSFORM
from NephroSynthLib.files.staging import staged_folder
from NephroSynthLib.jobs.chosen_models import check_chosen_models
from NephroSynthLib.jobs.landmark_input import RegisteringRequest
from NephroSynthLib.jobs.request import KIDNEYS_HELP, ComputingRequest, Request, Summary, Volume, WritingRequest
from NephroSynthLib.progress import Progress


class RegisterRequest(RegisteringRequest, WritingRequest):
    """Registers the excretory phase to the non-contrast one: the abdomen, then each kidney, then the tissue around."""

    noncontrast: Volume = Field(description="Non-contrast phase.")
    excretory: Volume = Field(description="Excretory phase.")
    kidneys: Path | None = Field(None, description=KIDNEYS_HELP)


def register(request: RegisterRequest, progress: Progress) -> Summary:
    """Registers; the second stage segments the kidneys where they are not given."""
    import SimpleITK as sitk

    from NephroSynthLib import registration
    from NephroSynthLib.exam.exam import read_exam
    from NephroSynthLib.jobs.result_folder import check_stage_space, provenance, save_stage
    from NephroSynthLib.preparation import check_gate, find_kidneys
    from NephroSynthLib.registration.initial_map import in_frame

    settings = request.settings
    landmarks, initial = request.read_landmarks(), request.read_initial()
    if settings.registration.mode in ("dense", "two-stage"):
        check_chosen_models(settings, "segmentation")
    exam = read_exam(request.noncontrast, request.excretory, None, request.kidneys, progress=progress.stage("read"))
    check_stage_space(request.out, exam.noncontrast, 1)
    labels: tuple[sitk.Image | None, sitk.Image | None] = (exam.kidneys, None)
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = exam.notes
    if settings.registration.mode in ("dense", "two-stage"):
        fixed, moving = find_kidneys(exam, settings, progress.stage("segment"))
        labels = fixed.labels, moving.labels
        doubts, notes = (*fixed.warnings, *moving.warnings), (*notes, *fixed.notes, *moving.notes)
    found = registration.register(
        exam.noncontrast,
        exam.excretory,
        *labels,
        settings.registration,
        landmarks=landmarks.in_frame(exam.excretory_placement) if landmarks else None,
        initial=in_frame(initial, exam.excretory_placement) if initial else None,
        progress=progress.stage("register"),
    ).to_frame(exam.excretory_placement)
    if settings.strict:
        check_gate(found)
    summary = {
        "registration": {"mode": found.mode, **found.quality.to_dict()},
        **provenance(settings, (*exam.warnings, *doubts, *found.warnings), (*notes, *found.notes)),
    }
    with staged_folder(request.out, request.overwrite, OUTPUTS["register"]) as folder:
        save_stage(folder, summary, {"excretory_registered": found.registered}, progress)
        sitk.WriteTransform(found.transform, str(folder / TRANSFORM))
    return summary


class SegmentRequest(ComputingRequest, WritingRequest):
    """Segments the kidneys of a CT, left and right."""

    image: Volume = Field(description="CT of any phase.")


def segment(request: SegmentRequest, progress: Progress) -> Summary:
    """Segments the kidneys of one CT."""
    from NephroSynthLib.exam.volume import read_volume
    from NephroSynthLib.jobs.result_folder import check_stage_space, provenance, save_stage
    from NephroSynthLib.segmentation.segmenter import segment_kidneys

    settings = request.settings
    check_chosen_models(settings, "segmentation")
    volume = read_volume(request.image, progress=progress.stage("read"))
    check_stage_space(request.out, volume.image, 0.1)
    found = segment_kidneys(
        volume.image,
        settings.segmentation,
        device=settings.device,
        seed=settings.seed,
        progress=progress.stage("segment"),
    )
    summary = {
        "segmentation": found.volumes_ml,
        "model": _model(found.model),
        **provenance(settings, (*volume.warnings, *found.warnings), found.notes),
    }
    with staged_folder(request.out, request.overwrite, OUTPUTS["segment"]) as folder:
        save_stage(folder, summary, {"kidneys": found.labels}, progress, {"segmentation": found.model})
    return summary


class SynthesizeRequest(ComputingRequest, WritingRequest):
    """Synthesizes the nephrographic phase from phases that are registered already."""

    noncontrast: Volume = Field(description="Non-contrast phase.")
    excretory: Volume = Field(description="Excretory phase on the grid of the other.")
    kidneys: Path = Field(description=KIDNEYS_HELP)


def synthesize(request: SynthesizeRequest, progress: Progress) -> Summary:
    """Synthesizes from two phases and kidneys that are on one grid."""
    from NephroSynthLib.exam.contrast import coverage_warnings
    from NephroSynthLib.exam.exam import read_exam
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.jobs.result_folder import check_stage_space, provenance, save_stage
    from NephroSynthLib.preparation import with_delay, with_patient
    from NephroSynthLib.synthesis import nephrographic

    check_chosen_models(request.settings, "synthesis")
    exam = read_exam(request.noncontrast, request.excretory, progress=progress.stage("read"))
    check_stage_space(request.out, exam.noncontrast, 1 + (request.settings.synthesis.samples > 1))
    settings, delay_warnings = with_delay(request.settings, exam)
    settings, patient_notes = with_patient(settings, exam)
    labels, doubts = read_kidneys(request.kidneys, exam.noncontrast)
    found = nephrographic.synthesize(
        exam.noncontrast,
        exam.excretory,
        labels,
        settings.synthesis,
        device=settings.device,
        seed=settings.seed,
        progress=progress.stage("synthesize"),
    )
    images = {"synthetic_nephrographic": found.image}
    if found.uncertainty is not None:
        images["uncertainty"] = found.uncertainty
    region = {"region_start": list(found.region.start), "region_size": list(found.region.size)}
    warnings = (*exam.warnings, *doubts, *delay_warnings, *coverage_warnings(exam.excretory, labels))
    summary = {
        "synthesis": region,
        "enhancement": found.enhancement.to_dict(),
        "model": _model(found.model),
        **provenance(settings, warnings, patient_notes),
    }
    with staged_folder(request.out, request.overwrite, OUTPUTS["synthesize"]) as folder:
        save_stage(folder, summary, images, progress, {"synthesis": found.model})
    return summary


class EvaluateRequest(Request):
    """Compares a synthetic phase with the acquired one."""

    synthetic: Volume = Field(description="Synthetic phase.")
    acquired: Volume = Field(description="Acquired phase, registered to it.")
    kidneys: Path | None = Field(None, description="Label map of the kidneys.")


def evaluate(request: EvaluateRequest, progress: Progress) -> Summary:
    """Compares two volumes that show the same place."""
    from NephroSynthLib import evaluation
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.exam.volume import read_volume

    reading = progress.stage("read")
    first = read_volume(request.synthetic, "synthetic phase", reading.part(0.0, 0.5))
    second = read_volume(request.acquired, "acquired phase", reading.part(0.5, 0.9))
    labels, doubts = (None, []) if request.kidneys is None else read_kidneys(request.kidneys, first.image)
    reading.update(1.0)
    progress.stage("judge").update(0.0, "Comparing")
    metrics = evaluation.evaluate(first.image, second.image, labels)
    progress.stage("judge").update(1.0)
    return {"metrics": metrics.to_dict(), "warnings": [*first.warnings, *second.warnings, *doubts]}


def _model(model: tuple[str, str]) -> Summary:
    return {"name": model[0], "sha256": model[1]}
