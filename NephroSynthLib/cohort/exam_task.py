"""One exam of a cohort as a task that an engine carries out, in any process of any machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from NephroSynthLib import __version__
from NephroSynthLib.cohort.exam_record import ExamRecord, read_record, write_record
from NephroSynthLib.cohort.input_digest import InputDigest, digest_inputs
from NephroSynthLib.cohort.manifest import ListedExam
from NephroSynthLib.errors import Action, AmbiguousPhasesError, Cancelled
from NephroSynthLib.files import scratch
from NephroSynthLib.files.outputs import SUMMARY
from NephroSynthLib.files.staging import temporary_folder
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.jobs.failures import as_our_error
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings

RESULTS, RECORDS = "exams", "records"
"""The folders for results and records in the folder of a cohort."""

_NO_PART_OF_THE_KEY = ("out", "overwrite", "images")


@dataclass(frozen=True)
class ExamTask:
    """An exam to run.

    Attributes:
        name: The exam's name.
        arguments: The fields of its `RunRequest`, as JSON.
        inputs: The files and folders that it reads, by role.
        models: The sha256 of the model of each stage.
        folder: Takes its result.
        record: The file of its record.
        retry_failed: Whether it is run again if nothing changed since it failed.
        unclear: A doubt about its phases, for which it is not run; empty for none.
    """

    name: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, Path]
    models: Mapping[str, str]
    folder: Path
    record: Path
    retry_failed: bool = False
    unclear: str = ""


class Carried(NamedTuple):
    """The outcome of a task.

    Attributes:
        record: The exam's record.
        computed: Whether it was computed now; False if it was done before.
    """

    record: ExamRecord
    computed: bool


def models_of(settings: Settings) -> dict[str, str]:
    """Returns the sha256 of the model of each stage; the version of TotalSegmentator."""
    from NephroSynthLib.models.bundle import load_bundle
    from NephroSynthLib.segmentation.total_segmentator import TOTALSEGMENTATOR, version

    stages = {"segmentation": settings.segmentation.model, "synthesis": settings.synthesis.model}
    return {
        stage: version() if model == TOTALSEGMENTATOR else load_bundle(model).sha256 for stage, model in stages.items()
    }


def task_of(exam: ListedExam, out: Path, models: Mapping[str, str], retry_failed: bool) -> ExamTask:
    """Returns the task of an exam of a manifest.

    Args:
        exam: The exam.
        out: The folder of the cohort.
        models: The sha256 of the model of each stage.
        retry_failed: Whether it is run again if nothing changed since it failed.
    """
    return ExamTask(
        name=exam.name,
        arguments=exam.request.model_dump(mode="json"),
        inputs=exam.inputs,
        models=models,
        folder=exam.request.out,
        record=out / RECORDS / f"{exam.name}.json",
        retry_failed=retry_failed,
        unclear=exam.unclear,
    )


def carry_out(task: ExamTask, progress: Progress = Progress()) -> Carried:
    """Runs an exam, unless that was done before on the same inputs with the same settings and models.

    An error of the exam is its outcome, so it raises none. The result appears whole, then its record; a process that
    ends in between leaves no record, and the exam is run again.

    Args:
        task: The exam.
        progress: Receives the progress of its run; may cancel.

    Raises:
        Cancelled: The user cancelled.
    """
    start, before = time.monotonic(), read_record(task.record)
    inputs: dict[str, InputDigest] = {}
    key = ""
    try:
        if task.unclear:
            raise AmbiguousPhasesError(f"It is unclear: {task.unclear}.", Action.NAME_IN_MANIFEST)
        inputs = digest_inputs(task.inputs, before.inputs if before else {})
        key = _key(task, inputs)
        if before is not None and _stands(before, key, task):
            return Carried(before, computed=False)
        with _own_temporary_folder():
            summary = execute("run", task.arguments, progress)
        record = ExamRecord(exam=task.name, status="done", key=key, inputs=inputs, summary=summary)
    except Cancelled:
        raise
    except Exception as error:
        ours = as_our_error(error)
        record = ExamRecord(
            exam=task.name, status="failed", key=key, inputs=inputs, reason=str(ours), error=type(ours).__name__
        )
        if before is not None and before.status == "done":  # the result is not that of the present inputs
            scratch.remove(task.folder)
    record = record.model_copy(update={"seconds": round(time.monotonic() - start, 2)})
    write_record(record, task.record)
    return Carried(record, computed=True)


def _stands(record: ExamRecord, key: str, task: ExamTask) -> bool:
    """Tells whether an earlier outcome is still that of a task."""
    if record.key != key:
        return False
    return (task.folder / SUMMARY).exists() if record.status == "done" else not task.retry_failed


def _key(task: ExamTask, inputs: Mapping[str, InputDigest]) -> str:
    """Returns the digest of all that a result depends on: not the device, and not the place of the files."""
    arguments = {
        name: value
        for name, value in task.arguments.items()
        if name not in _NO_PART_OF_THE_KEY and name not in task.inputs
    }
    arguments["settings"] = {name: value for name, value in task.arguments["settings"].items() if name != "device"}
    content = {
        "version": __version__,
        "inputs": {role: digest.sha256 for role, digest in inputs.items()},
        "arguments": arguments,
        "models": dict(task.models),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Lets libraries put their temporary files of one exam into a folder that goes with it."""
    usual = tempfile.tempdir
    with temporary_folder(Path(tempfile.gettempdir())) as folder:
        tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = usual
