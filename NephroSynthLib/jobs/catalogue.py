"""All jobs by name: the request of each and the function that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from NephroSynthLib.errors import Cancelled, UsageError
from NephroSynthLib.files.json_values import finite
from NephroSynthLib.jobs import (
    dicom_output,
    dicom_phases,
    exam_simulation,
    image_generation,
    inventory,
    method_benchmark,
    model_training,
    result_export,
    run_exam,
    stages,
    transformation,
)
from NephroSynthLib.jobs.request import ComputingRequest, Request, Summary, parse
from NephroSynthLib.progress import AT_ONCE, Ending, Progress


class Job(NamedTuple):
    """A request and the function that carries it out: from files to files, with a summary as JSON.

    Attributes:
        request: The request.
        work: Carries it out.
        ending: Its end when the user cancels it.
    """

    request: type[Request]
    work: Callable[[Any, Progress], Summary]
    ending: Ending = AT_ONCE


JOBS: Mapping[str, Job] = {
    "demo": Job(run_exam.DemoRequest, run_exam.demo),
    "simulate": Job(exam_simulation.SimulateRequest, exam_simulation.simulate),
    "run": Job(run_exam.RunRequest, run_exam.run),
    "register": Job(stages.RegisterRequest, stages.register),
    "segment": Job(stages.SegmentRequest, stages.segment),
    "synthesize": Job(stages.SynthesizeRequest, stages.synthesize),
    "transform": Job(transformation.TransformRequest, transformation.transform),
    "evaluate": Job(stages.EvaluateRequest, stages.evaluate),
    "phases": Job(dicom_phases.PhasesRequest, dicom_phases.phases),
    "export-dicom": Job(dicom_output.ExportRequest, dicom_output.export_dicom),
    "send": Job(dicom_output.SendRequest, dicom_output.send),
    "prepare": Job(
        model_training.PrepareRequest,
        model_training.prepare,
        Ending(kept="Exams that are prepared are kept; the same command continues."),
    ),
    "train": Job(
        model_training.TrainRequest,
        model_training.train,
        Ending(60.0, "Prepared exams and saved checkpoints are kept; the same command continues the training."),
    ),
    "benchmark": Job(
        method_benchmark.BenchmarkRequest,
        method_benchmark.benchmark,
        Ending(60.0, "Everything that is done is kept; the same command continues."),
    ),
    "generate": Job(image_generation.GenerateRequest, image_generation.generate),
    "models": Job(inventory.ModelsRequest, inventory.describe_models),
    "inventory": Job(inventory.InventoryRequest, inventory.inventory),
    "sample": Job(exam_simulation.SampleRequest, exam_simulation.sample),
    "export-result": Job(result_export.ExportResultRequest, result_export.export_result),
}


def execute(
    command: str,
    arguments: Mapping[str, Any],
    progress: Progress,
    names: Mapping[str, str] | None = None,
    jobs: Mapping[str, Job] | None = None,
) -> Summary:
    """Runs a job.

    Args:
        command: A name in `JOBS`.
        arguments: The fields of its request, as JSON.
        progress: Receives the progress; may cancel.
        names: The names by which the user knows fields and settings, as of `parse`.
        jobs: The jobs by name; None for those of this catalogue.

    Returns:
        The summary; a figure that is not finite is None, since JSON has no number for it.

    Raises:
        UsageError: If there is no such job or its arguments do not fit.
        ResourceError: If its device does not exist.
        Cancelled: If the user cancelled it. The message names the work that is kept.
        NephroSynthError: Any error of the job.

    Example:
        >>> execute("models", {"action": "list"}, Progress())["models"][0]["task"]
        'segmentation'
    """
    jobs = JOBS if jobs is None else jobs
    job = jobs.get(command)
    if job is None:
        raise UsageError(f"There is no job '{command}'. The jobs are {', '.join(jobs)}.")
    request = parse(job.request, arguments, names)
    if isinstance(request, ComputingRequest):
        _check_device(request.settings.device)
    try:
        summary: Summary = finite(job.work(request, progress))
    except Cancelled as error:
        raise Cancelled(error.kept or job.ending.kept) from None
    return summary


def _check_device(name: str) -> None:
    """Refuses a device that does not exist, before any work."""
    if name not in ("auto", "cpu"):
        from NephroSynthLib.models.device import resolve_device

        resolve_device(name)
