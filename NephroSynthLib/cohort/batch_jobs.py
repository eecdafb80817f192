"""The jobs of a front end that shows many exams and runs them one by one, each in a process of its own.

Results and records are those of `nephrosynth cohort run`, so either continues the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.cohort.cohort_table import REACHED, row_of
from NephroSynthLib.cohort.dicom_exams import rows_of
from NephroSynthLib.cohort.exam_record import ExamRecord, read_record
from NephroSynthLib.cohort.exam_task import RECORDS, RESULTS, carry_out, models_of, task_of
from NephroSynthLib.cohort.folder_lock import only_run
from NephroSynthLib.cohort.manifest import ListedExam, read_manifest, write_manifest
from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.files.staging import check_writable
from NephroSynthLib.jobs.catalogue import JOBS, Job
from NephroSynthLib.jobs.chosen_models import check_chosen_models
from NephroSynthLib.jobs.request import ComputingRequest, Request, Summary
from NephroSynthLib.jobs.run_exam import input_of
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field


class FindRequest(Request):
    """Finds the exams in DICOM folders, and writes them as a manifest."""

    roots: tuple[Path, ...] = Field(description="Folders with DICOM files.", min_length=1)
    manifest: Path = Field(description="The manifest to write. An earlier one is replaced.")


class ListRequest(ComputingRequest):
    """Lists the exams of a manifest, with the outcome of those that were run before."""

    manifest: Path = Field(description="CSV file with one line for each exam.")
    out: Path = Field(description="Folder for the results.")


class ExamRequest(ListRequest):
    """Runs one exam of a manifest, unless it was run before."""

    exam: str = Field(description="The name of the exam.")
    retry_failed: bool = field(options.RETRY_FAILED)


class PhasesOfExamRequest(ListRequest):
    """Writes the phases of one exam of a manifest as NRRD files."""

    exam: str = Field(description="The name of the exam.")
    folder: Path = Field(description="Takes the files.")


def find(request: FindRequest, progress: Progress) -> Summary:
    """Writes the manifest of the exams in DICOM folders.

    Returns:
        The path of the `manifest`.

    Raises:
        UnreadableInputError: No folder has an exam.
    """
    check_writable(request.manifest.parent)
    rows: dict[str, dict[str, str]] = {}
    count = len(request.roots)
    for index, root in enumerate(request.roots):
        part = progress.part(index / count, (index + 1) / count)
        rows |= {row["exam"]: row for row in rows_of(root, request.manifest.parent.resolve(), part)}
    if not rows:
        raise UnreadableInputError("There is no CT exam among the files.", Action.GIVE_DICOM)
    write_manifest(request.manifest, list(rows.values()))
    return {"manifest": str(request.manifest), "warnings": []}


def list_exams(request: ListRequest, progress: Progress) -> Summary:
    """Lists the exams of a manifest.

    Returns:
        `exams`: the outcome of each, as of `run_listed`; `status` is empty for an exam that was not run.
    """
    exams = read_manifest(request.manifest, request.settings, request.out.resolve() / RESULTS)
    records = ((exam, read_record(request.out / RECORDS / f"{exam.name}.json")) for exam in exams)
    return {"exams": [_outcome(exam, record) for exam, record in records], "warnings": []}


def run_listed(request: ExamRequest, progress: Progress) -> Summary:
    """Runs one exam of a manifest. An error of the exam is its outcome, and no error of this job.

    Returns:
        `name`; `status` ('done' or 'failed'); `passed`, whether the registration reached its gate; `reason` of a
        failure; `unclear`, a doubt about the phases; `folder` of the result.

    Raises:
        UsageError: The manifest is not valid or lacks the exam, or another run works in the folder.
        ModelError: A model cannot be used.
        ResourceError: The folder cannot be written.
        Cancelled: The user cancelled.
    """
    out = request.out.resolve()
    exam = _named(request, request.exam)
    check_chosen_models(request.settings, "segmentation", "synthesis")
    check_writable(out)
    with only_run(out):
        task = task_of(exam, out, models_of(request.settings), request.retry_failed)
        return {**_outcome(exam, carry_out(task, progress).record), "warnings": []}


def phases_of_exam(request: PhasesOfExamRequest, progress: Progress) -> Summary:
    """Writes the phases of one exam of a manifest, as a run reads them.

    Returns:
        `phases`: the path of each phase's file.
    """
    from NephroSynthLib.exam.exam import read_exam
    from NephroSynthLib.imaging.image_files import save_image

    exam = _named(request, request.exam)
    reading = progress.stage("read")
    given = input_of(exam.request, reading.part(0.0, 0.5))
    read = read_exam(given.noncontrast, given.excretory, given.nephrographic, progress=reading.part(0.5, 1.0))
    images = {"noncontrast": read.noncontrast, "excretory": read.excretory, "nephrographic": read.nephrographic}
    request.folder.mkdir(parents=True, exist_ok=True)
    phases = {}
    for phase, image in images.items():
        if image is not None:
            phases[phase] = str(request.folder / f"{phase}.nrrd")
            save_image(image, request.folder / f"{phase}.nrrd", compress=False)
    return {"phases": phases, "warnings": []}


def _named(request: ListRequest, name: str) -> ListedExam:
    exams = read_manifest(request.manifest, request.settings, request.out.resolve() / RESULTS)
    for exam in exams:
        if exam.name == name:
            return exam
    raise UsageError(f"The manifest has no exam '{name}'.", Action.CORRECT_MANIFEST)


def _outcome(exam: ListedExam, record: ExamRecord | None) -> dict[str, Any]:
    """Returns the row of an exam in a table."""
    verdict = row_of(record, exam.split)["verdict"] if record is not None else ""
    return {
        "name": exam.name,
        "status": record.status if record is not None else "",
        "passed": verdict == REACHED if verdict else None,
        "reason": record.reason if record is not None else "",
        "unclear": exam.unclear,
        "folder": str(exam.request.out),
    }


BATCH_JOBS: Mapping[str, Job] = {
    **JOBS,
    "find-exams": Job(FindRequest, find),
    "list-exams": Job(ListRequest, list_exams),
    "run-listed": Job(ExamRequest, run_listed),
    "phases-of-exam": Job(PhasesOfExamRequest, phases_of_exam),
}
"""All jobs of a front end with a window, by name."""
