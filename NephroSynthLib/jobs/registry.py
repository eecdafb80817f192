"""What a worker process does: one function for each command, from files to files, with a summary as JSON.

Each function takes its command's arguments by name: paths as strings, settings as JSON.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from NephroSynthLib.errors import UsageError
from NephroSynthLib.files.json_values import finite
from NephroSynthLib.files.outputs import OUTPUTS, SUMMARY, TRANSFORM
from NephroSynthLib.files.staging import check_apart, check_target, staged_folder
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.jobs import dicom_jobs, panel_jobs
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.settings import Settings

Summary = dict[str, Any]
DEMO_SEED = 900_001


def execute(command: str, arguments: Mapping[str, Any], progress: Progress) -> Summary:
    """Runs a job.

    Args:
        command: a name in `JOBS`.
        arguments: of its function, as JSON.
        progress: told about each stage; may cancel.

    Returns:
        The summary; a figure that is not finite is None, since JSON has no number for it.

    Raises:
        UsageError: If there is no such command or its arguments do not fit.
        NephroSynthError: Whatever the job raises.
    """
    job = JOBS.get(command)
    if job is None:
        raise UsageError(f"There is no job '{command}'. The jobs are {', '.join(JOBS)}.")
    try:
        inspect.signature(job).bind(progress, **arguments)
    except TypeError as error:
        raise UsageError(f"The arguments of the job '{command}' do not fit: {error}.") from error
    summary: Summary = finite(job(progress, **arguments))
    return summary


def run(
    progress: Progress,
    *,
    out: str,
    noncontrast: str | None = None,
    excretory: str | None = None,
    nephrographic: str | None = None,
    dicom: str | None = None,
    series: Mapping[str, str] | None = None,
    dicom_out: str | None = None,
    deidentify: bool = False,
    kidneys: str | None = None,
    settings: Mapping[str, Any] | None = None,
    images: Literal["nifti", "nrrd"] = "nifti",
    overwrite: bool = False,
) -> Summary:
    """The whole job on one exam: its phases are given, or found in a heap of DICOM files."""
    from NephroSynthLib.exam.exam import read_exam

    checked = _settings(settings)
    if dicom_out is not None:
        dicom_jobs.need("highdicom")
        check_apart(Path(out), Path(dicom_out))
        check_target(Path(dicom_out), overwrite, OUTPUTS["export-dicom"])
    reading = progress.stage("read")
    given = dicom_jobs.run_input(noncontrast, excretory, nephrographic, dicom, series or {}, reading.part(0.0, 0.5))
    if dicom_out is not None:
        given = dicom_jobs.with_series(given, reading.part(0.5, 0.6))
    reading = reading.part(0.0 if dicom is None and dicom_out is None else 0.6, 1.0)
    exam = read_exam(given.noncontrast, given.excretory, given.nephrographic, _path(kidneys), progress=reading)
    exam = replace(exam, warnings=(*given.notes, *exam.warnings))
    from NephroSynthLib import pipeline  # the networks' libraries take seconds, a refused exam should not

    result = pipeline.run(exam, checked, progress)
    progress.stage("save").update(0.0, "Writing the result")
    with staged_folder(Path(out), overwrite, OUTPUTS["run"]) as folder:
        summary = result.save(folder, images=images)
        if dicom_out is not None:
            dicom_jobs.export_run(result, given, Path(dicom_out), deidentify=deidentify, overwrite=overwrite)
    replace(progress.stage("save"), cancelled=lambda: False).update(1.0)  # it is too late to cancel
    return summary


def demo(
    progress: Progress, *, out: str, settings: Mapping[str, Any] | None = None, overwrite: bool = False
) -> Summary:
    """The whole job on a simulated exam, whose acquired nephrographic phase is the truth to compare with."""
    from NephroSynthLib.jobs.simulated_files import SimulatedFiles
    from NephroSynthLib.simulation import Grid

    grid = Grid((80, 224, 256), (1.4, 1.4, 2.5), (-178.5, -156.1, -98.75))
    with staged_folder(Path(out), overwrite, OUTPUTS["demo"]) as folder:
        exam = folder / "exam"
        simulating = replace(progress, stage_name="simulate")
        simulated = SimulatedFiles.simulate(DEMO_SEED, simulating.part(0.0, 0.8), grid)
        simulated.write_phases(exam, "nifti", simulating.part(0.8, 1.0))
        summary = run(
            progress,
            noncontrast=str(exam / "noncontrast.nii.gz"),
            excretory=str(exam / "excretory.nii.gz"),
            nephrographic=str(exam / "nephrographic.nii.gz"),
            out=str(folder / "result"),
            settings=settings,
        )
        for file in (folder / "result").iterdir():
            file.rename(folder / file.name)
        (folder / "result").rmdir()
    return summary


def simulate(
    progress: Progress,
    *,
    out: str,
    seed: int,
    count: int,
    file_format: Literal["nifti", "nrrd", "dicom"],
    overwrite: bool = False,
) -> Summary:
    """Simulated exams with their truth, a folder for each."""
    from NephroSynthLib.jobs.simulated_files import SimulatedFiles

    whole = replace(progress, stage_name="simulate")
    names = [f"exam-{number}" for number in range(seed, seed + count)]
    with staged_folder(Path(out), overwrite, OUTPUTS["simulate"]) as folder:
        for index, name in enumerate(names):
            part = whole.part(index / count, (index + 1) / count)
            simulated = SimulatedFiles.simulate(seed + index, part.part(0.0, 0.5))
            simulated.write_phases(folder / name, file_format, part.part(0.5, 0.7))
            simulated.write_truth(folder / name, file_format, part.part(0.7, 1.0))
    return {"exams": [str(Path(out) / name) for name in names], "seed": seed, "format": file_format, "warnings": []}


def register(
    progress: Progress,
    *,
    noncontrast: str,
    excretory: str,
    out: str,
    kidneys: str | None = None,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Summary:
    """Registration alone; its second stage finds the kidneys by itself where they are not given."""
    import SimpleITK as sitk

    from NephroSynthLib import pipeline, registration
    from NephroSynthLib.exam.exam import read_exam

    checked = _settings(settings)
    exam = read_exam(Path(noncontrast), Path(excretory), None, _path(kidneys), progress=progress.stage("read"))
    labels: tuple[sitk.Image | None, sitk.Image | None] = (exam.kidneys, None)
    notes: tuple[str, ...] = ()
    if checked.registration.mode == "two-stage":
        fixed, moving = pipeline.find_kidneys(exam, checked, progress.stage("segment"))
        labels = fixed.labels, moving.labels
        notes = (*fixed.warnings, *(f"Excretory phase: {warning}" for warning in moving.warnings))
    found = registration.register(
        exam.noncontrast, exam.excretory, *labels, checked.registration, progress=progress.stage("register")
    )
    pipeline.check_gate(found, checked)
    summary = {
        "registration": {"mode": found.mode, **found.quality.to_dict()},
        **_provenance(checked, (*exam.warnings, *notes, *found.warnings)),
    }
    with staged_folder(Path(out), overwrite, OUTPUTS["register"]) as folder:
        _save(folder, summary, {"excretory_registered": found.registered}, progress)
        sitk.WriteTransform(found.transform, str(folder / TRANSFORM))
    return summary


def segment(
    progress: Progress, *, image: str, out: str, settings: Mapping[str, Any] | None = None, overwrite: bool = False
) -> Summary:
    """Segmentation alone."""
    from NephroSynthLib.exam.volume import read_volume
    from NephroSynthLib.segmentation.segmenter import segment_kidneys

    checked = _settings(settings)
    volume = read_volume(Path(image), progress=progress.stage("read"))
    found = segment_kidneys(
        volume.image,
        checked.segmentation,
        device=checked.device,
        seed=checked.seed,
        progress=progress.stage("segment"),
    )
    summary = {
        "segmentation": found.volumes_ml,
        "model": _model(found.model),
        **_provenance(checked, (*volume.warnings, *found.warnings)),
    }
    with staged_folder(Path(out), overwrite, OUTPUTS["segment"]) as folder:
        _save(folder, summary, {"kidneys": found.labels}, progress)
    return summary


def synthesize(
    progress: Progress,
    *,
    noncontrast: str,
    excretory: str,
    kidneys: str,
    out: str,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Summary:
    """Synthesis alone, from phases that are on one grid."""
    from NephroSynthLib.exam.contrast import coverage_warnings
    from NephroSynthLib.exam.exam import read_exam
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.pipeline import delay_warnings, with_delay
    from NephroSynthLib.synthesis import nephrographic

    checked = _settings(settings)
    exam = read_exam(Path(noncontrast), Path(excretory), progress=progress.stage("read"))
    checked = with_delay(checked, exam)
    labels, notes = read_kidneys(Path(kidneys), exam.noncontrast)
    found = nephrographic.synthesize(
        exam.noncontrast,
        exam.excretory,
        labels,
        checked.synthesis,
        device=checked.device,
        seed=checked.seed,
        progress=progress.stage("synthesize"),
    )
    images = {"synthetic_nephrographic": found.image}
    if found.uncertainty is not None:
        images["uncertainty"] = found.uncertainty
    region = {"region_start": list(found.region.start), "region_size": list(found.region.size)}
    warnings = (*exam.warnings, *notes, *delay_warnings(checked), *coverage_warnings(exam.excretory, labels))
    summary = {"synthesis": region, "model": _model(found.model), **_provenance(checked, warnings)}
    with staged_folder(Path(out), overwrite, OUTPUTS["synthesize"]) as folder:
        _save(folder, summary, images, progress)
    return summary


def evaluate(progress: Progress, *, synthetic: str, acquired: str, kidneys: str | None = None) -> Summary:
    """A synthetic phase against an acquired one that lies in the same place."""
    from NephroSynthLib import evaluation
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.exam.volume import read_volume

    reading = progress.stage("read")
    first = read_volume(Path(synthetic), "synthetic phase", reading.part(0.0, 0.5))
    second = read_volume(Path(acquired), "acquired phase", reading.part(0.5, 0.9))
    labels, notes = (None, []) if kidneys is None else read_kidneys(Path(kidneys), first.image)
    reading.update(1.0)
    progress.stage("judge").update(0.0, "Comparing")
    metrics = evaluation.evaluate(first.image, second.image, labels)
    progress.stage("judge").update(1.0)
    return {"metrics": metrics.to_dict(), "warnings": [*first.warnings, *second.warnings, *notes]}


def prepare(
    progress: Progress,
    *,
    task: str,
    cohort: str,
    out: str,
    held_out: float,
    settings: Mapping[str, Any] | None = None,
) -> Summary:
    """Prepares the exams of a cohort for training."""
    from NephroSynthLib.training import preparation as cohorts

    report = cohorts.prepare(
        "segmentation" if task == "segmentation" else "synthesis",
        Path(cohort),
        Path(out),
        held_out_share=held_out,
        settings=_settings(settings),
        progress=replace(progress, stage_name="read"),
    )
    return {**asdict(report), "out": out, "warnings": []}


def train(
    progress: Progress,
    *,
    task: str,
    out: str,
    steps: int,
    exams: int,
    seed: int,
    batch_size: int,
    learning_rate: float,
    preparers: int,
    start_from: str | None = None,
) -> Summary:
    """Trains a model, or goes on with a training that was ended."""
    from NephroSynthLib.training.train import TrainingOrder
    from NephroSynthLib.training.train import train as train_model

    order = TrainingOrder(
        "segmentation" if task == "segmentation" else "synthesis",
        Path(out),
        steps=steps,
        exams=exams,
        seed=seed,
        batch_size=batch_size,
        learning_rate=learning_rate,
        preparers=preparers,
        start_from=start_from,
    )
    bundle = train_model(order, replace(progress, stage_name="train").update)
    return {"bundle": str(bundle), **_describe(bundle), "warnings": []}


def models(progress: Progress, *, action: str, model: str | None = None) -> Summary:
    """Lists the bundled models, or shows or verifies one, or verifies all."""
    from NephroSynthLib.methods.registry import verify_bundle
    from NephroSynthLib.models.bundle import list_bundles

    if action == "show":
        return {"models": [_describe(model or "")], "warnings": []}
    names = list(list_bundles()) if model is None else [model]
    described = []
    for index, name in enumerate(names):
        progress.stage("read").update(index / len(names), name)
        if action == "verify":
            verify_bundle(name)
        described.append(_describe(name))
    return {"models": described, "warnings": []}


JOBS: Mapping[str, Callable[..., Summary]] = {
    "run": run,
    "demo": demo,
    "simulate": simulate,
    "register": register,
    "segment": segment,
    "synthesize": synthesize,
    "evaluate": evaluate,
    "prepare": prepare,
    "train": train,
    "models": models,
    "phases": dicom_jobs.phases,
    "export-dicom": dicom_jobs.export_dicom,
    "send": dicom_jobs.send,
    "inventory": panel_jobs.inventory,
    "sample": panel_jobs.sample,
    "export-result": panel_jobs.export_result,
}


def _settings(values: Mapping[str, Any] | None) -> Settings:
    from pydantic import ValidationError

    from NephroSynthLib.settings import Settings

    try:
        settings = Settings.model_validate(values or {})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The setting {name} is not valid: {first['msg']}.") from error
    if settings.device not in ("auto", "cpu"):
        from NephroSynthLib.models.device import resolve_device

        resolve_device(settings.device)  # a device that is not there is told now, not after minutes
    return settings


def _provenance(settings: Settings, warnings: Sequence[str]) -> Summary:
    from NephroSynthLib.files.notice import RESEARCH_ONLY
    from NephroSynthLib.pipeline import versions

    return {
        "schema_version": 1,
        "notice": RESEARCH_ONLY,
        "settings": settings.model_dump(mode="json"),
        "versions": versions(),
        "warnings": list(dict.fromkeys(warnings)),
    }


def _save(folder: Path, summary: Summary, images: Mapping[str, sitk.Image], progress: Progress) -> None:
    saving = progress.stage("save")
    for index, (name, image) in enumerate(images.items()):
        saving.update(index / len(images), name)
        save_image(image, folder / f"{name}.nii.gz")
    (folder / SUMMARY).write_text(json.dumps(finite(summary), indent=2), encoding="utf-8")
    saving.update(1.0)


def _model(model: tuple[str, str]) -> Summary:
    return {"name": model[0], "sha256": model[1]}


def _describe(model: str | Path) -> Summary:
    from NephroSynthLib.models.bundle import load_bundle

    bundle = load_bundle(model)
    return {"path": str(bundle.path), "sha256": bundle.sha256, **bundle.metadata.model_dump(mode="json")}


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
