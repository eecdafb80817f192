"""Runs the exams of a manifest on an engine, and writes their table and report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.cohort.cohort_report import write_cohort_report
from NephroSynthLib.cohort.cohort_table import MISSED, REACHED, TABLES, row_of, write_table
from NephroSynthLib.cohort.exam_record import ExamRecord, write_record
from NephroSynthLib.cohort.exam_task import RECORDS, RESULTS, Carried, ExamTask, carry_out, models_of, task_of
from NephroSynthLib.cohort.folder_lock import only_run
from NephroSynthLib.cohort.manifest import read_manifest
from NephroSynthLib.engines.engine import Engine, Lost
from NephroSynthLib.engines.engine_choice import engine_of
from NephroSynthLib.errors import Cancelled
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import REPORT
from NephroSynthLib.files.staging import check_file, check_writable, remove_leftovers
from NephroSynthLib.jobs.chosen_models import check_chosen_models
from NephroSynthLib.jobs.request import ManyExamsRequest, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

KEPT = "Exams that are done are kept; the same command continues."


class CohortRequest(ManyExamsRequest):
    """Runs all exams of a manifest; called again, it runs those that are new or changed.

    It ends with 0 only if every exam has a result.
    """

    manifest: Path = Field(description="CSV file with one line for each exam (see Documentation/Cohorts.md).")
    out: Path = Field(description="Folder for results, table and report; an earlier run there is continued.")
    retry_failed: bool = field(options.RETRY_FAILED)


def run_cohort(request: CohortRequest, progress: Progress) -> Summary:
    """Runs the exams of a manifest.

    Args:
        request: The manifest, the folder, the engine and the settings of all exams.
        progress: Told after each exam.

    Returns:
        Counts of `exams`, `computed`, `reused` and `gate_missed`; `failed` with the reason by exam; `table`, `report`.

    Raises:
        UsageError: The manifest is not valid, or another run works in the folder.
        ModelError: A model cannot be used.
        ResourceError: The folder cannot be written, or the cluster lacks the resources for an exam.
        Cancelled: The user cancelled; exams that are done stay.
    """
    out = request.out.resolve()
    exams = read_manifest(request.manifest, request.settings, out / RESULTS)
    check_chosen_models(request.settings, "segmentation", "synthesis")
    for place in (out, out / RESULTS, out / RECORDS):
        check_writable(place)
    for file in (*TABLES, REPORT):
        check_file(out / file)
    engine = engine_of(request.engine, request.resources)
    models = models_of(request.settings)
    tasks = [task_of(exam, out, models, request.retry_failed) for exam in exams]
    with only_run(out):
        start = time.monotonic()
        carried = run_tasks(engine, tasks, progress)
        rows = [row_of(carried[exam.name].record, exam.split) for exam in exams]
        tables = write_table(rows, out)
        write_cohort_report(rows, RESULTS, [file.name for file in tables], out / REPORT)
    failed = {row["exam"]: row["reason"] for row in rows if row["status"] == "failed"}
    computed = sum(one.computed for one in carried.values())
    return {
        "notice": RESEARCH_ONLY,
        "exams": len(exams),
        "computed": computed,
        "reused": len(exams) - computed,
        "failed": failed,
        "gate_reached": sum(row["verdict"] == REACHED for row in rows),
        "gate_missed": sum(row["verdict"] == MISSED for row in rows),
        "seconds": round(time.monotonic() - start, 1),
        "table": str(tables[0]),
        "report": str(out / REPORT),
        "warnings": [],
    }


def run_tasks(engine: Engine, tasks: Sequence[ExamTask], progress: Progress) -> dict[str, Carried]:
    """Carries out the tasks of exams on an engine, and returns the outcome of each by name.

    Raises:
        Cancelled: The user cancelled; exams that are done stay.
    """
    carried: dict[str, Carried] = {}
    outcomes = engine.run(carry_out, tasks)
    try:
        progress.update(0.0, f"{len(tasks)} exams")
        for task, outcome in outcomes:
            if isinstance(outcome, Lost):
                outcome = Carried(_lost(task, outcome), computed=True)
            carried[task.name] = outcome
            told = "failed" if outcome.record.status == "failed" else "done" if outcome.computed else "as before"
            progress.update(len(carried) / len(tasks), f"{task.name}: {told}, {len(carried)} of {len(tasks)}")
    except Cancelled:
        raise Cancelled(KEPT) from None
    finally:
        close = getattr(outcomes, "close", None)  # an iterator that is no generator has nothing to end
        if close is not None:
            close()
        for folder in {task.folder.parent for task in tasks if task.folder.parent.exists()}:
            remove_leftovers(folder)
    return carried


def _lost(task: ExamTask, outcome: Lost) -> ExamRecord:
    """Returns the record of an exam whose process was lost. It has no key, so the next call runs the exam again."""
    record = ExamRecord(exam=task.name, status="failed", reason=outcome.reason, error="WorkerError")
    write_record(record, task.record)
    return record
