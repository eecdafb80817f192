"""The common part of all commands: their flags, and a job in a worker process with its output in the terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from NephroSynthLib.cli.advice import advice
from NephroSynthLib.cli.error_output import print_error, print_error_as_json
from NephroSynthLib.cli.progress_bars import ProgressDisplay
from NephroSynthLib.cli.summaries import print_summary
from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.files.json_values import finite
from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.files.staging import check_target, check_writable
from NephroSynthLib.jobs.catalogue import JOBS, Job
from NephroSynthLib.jobs.failures import as_our_error
from NephroSynthLib.jobs.job_process import JobProcess
from NephroSynthLib.jobs.request import Request, WritingRequest, parse
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.training import processes

Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but warnings and errors.")]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the summary, or the error, as JSON on standard output.")
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", metavar="", help="Show the libraries' log and the traceback of an error."),
]

PATIENCE_S = 2.0
"""Seconds that a user waits for the answer to Ctrl-C without being told."""


@dataclass(frozen=True)
class View:
    """The output that the user wants to see."""

    quiet: bool
    json: bool
    verbose: bool


def work(
    command: str,
    arguments: dict[str, Any],
    view: View,
    jobs: Mapping[str, Job] = JOBS,
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Runs a job and shows its summary, or its error.

    Args:
        command: The job.
        arguments: The fields of its request.
        view: The output that the user wants to see. Of several processes that train together, the first one shows it.
        jobs: The jobs by name. Those of `JOBS` run in a worker process. Others run in this process, because they
            start processes of their own or are short.
        names: The flags of fields and settings, for messages.

    Returns:
        The summary.

    Raises:
        Exit: With the exit code of the error, if the job fails.
    """
    start = time.monotonic()
    if not processes.is_first():
        view = replace(view, quiet=True, json=False)
    try:
        job = jobs[command]
        request = parse(job.request, arguments, names)
        out = getattr(request, "out", None)
        if isinstance(request, WritingRequest):
            check_target(request.out, request.overwrite, OUTPUTS[command])
        elif out is not None:
            check_writable(out)
        summary = _run_job(command, _as_json(request), view) if jobs is JOBS else _run_here(command, job, request, view)
    except KeyboardInterrupt:
        _fail(Cancelled(), view)
    except NephroSynthError as error:
        _fail(error, view)
    if view.json:
        print(json.dumps(summary, indent=2))
    elif not view.quiet:
        print_summary(command, summary, out, time.monotonic() - start)
    return summary


def _run_job(command: str, job: dict[str, Any], view: View) -> dict[str, Any]:
    without_progress = view.quiet or view.json
    display = ProgressDisplay(command, Console(stderr=True, quiet=without_progress))
    warnings: list[str] = []

    def log(line: str) -> None:
        if view.verbose and without_progress:
            print(line, file=sys.stderr)
        elif view.verbose:
            display.log(line)

    ending = JOBS[command].ending
    with display, JobProcess(command, job, log, ending=ending) as process:
        try:
            for message in process.messages():
                if message["type"] == "progress":
                    display.show(message)
                elif message["type"] == "warning":
                    warnings.append(message["message"])
        except KeyboardInterrupt:
            if ending.grace_s > PATIENCE_S and not without_progress:
                display.log("Ending after the present step; Ctrl-C again ends it at once.")
            message = process.cancel()
    _print_warnings(warnings, view)
    return dict(message["result"])


def _run_here(command: str, job: Job, request: Request, view: View) -> dict[str, Any]:
    display = ProgressDisplay(command, Console(stderr=True, quiet=view.quiet or view.json))

    def show(event: ProgressEvent) -> None:
        display.show({"stage": event.stage, "fraction": event.fraction, "message": event.message})

    with display:
        try:
            summary = dict(finite(job.work(request, Progress(show, stage_name=display.first_stage))))
        except KeyboardInterrupt:
            raise Cancelled(job.ending.kept) from None
        except Exception as error:
            raise as_our_error(error) from error.__cause__
    _print_warnings(summary["warnings"], view)
    return summary


def _print_warnings(warnings: Sequence[str], view: View) -> None:
    if not view.json:
        for warning in warnings:
            print(f"Warning: {warning}", file=sys.stderr)


def _fail(error: NephroSynthError, view: View) -> NoReturn:
    remedy = advice(error.action)
    print_error(error, remedy)
    if view.verbose and error.__cause__ is not None:
        print(error.__cause__, file=sys.stderr)
    if view.json:
        print_error_as_json(error, remedy)
    raise typer.Exit(error.exit_code)


def _as_json(request: Request) -> dict[str, Any]:
    """Returns a request as JSON, with absolute paths."""
    paths = {name: value for name, value in request if isinstance(value, Path)}
    return {**request.model_dump(mode="json"), **{name: os.path.abspath(path) for name, path in paths.items()}}
