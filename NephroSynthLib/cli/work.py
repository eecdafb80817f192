"""What the commands share: their common options, and a job run in a worker process, with what is shown of it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from NephroSynthLib.cli.advice import advice
from NephroSynthLib.cli.progress_bars import ProgressDisplay
from NephroSynthLib.cli.summaries import print_summary
from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.files.staging import check_target
from NephroSynthLib.jobs.job_process import JobProcess

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but warnings and errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary, or the error, as JSON on standard output.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the libraries' log and the traceback of an error.")
]
Out = Annotated[Path, typer.Option(help="Folder for the result; it must not exist, or be empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")]


@dataclass(frozen=True)
class View:
    """What the user wants to see."""

    quiet: bool
    json: bool
    verbose: bool


def work(command: str, arguments: dict[str, Any], view: View) -> dict[str, Any]:
    """Runs a job, shows its summary, or the error, in the way that the user wants, and gives the summary."""
    try:
        out = arguments.get("out")
        if out is not None and command in OUTPUTS:
            check_target(out, arguments["overwrite"], OUTPUTS[command])
        job = {name: os.path.abspath(value) if isinstance(value, Path) else value for name, value in arguments.items()}
        summary = _run_job(command, job, view)
    except KeyboardInterrupt:
        _fail(Cancelled(), view)
    except NephroSynthError as error:
        _fail(error, view)
    if view.json:
        print(json.dumps(summary, indent=2))
    elif not view.quiet:
        print_summary(command, summary, out)
    return summary


def _run_job(command: str, job: dict[str, Any], view: View) -> dict[str, Any]:
    console = Console(stderr=True, quiet=view.quiet or view.json)
    display = ProgressDisplay(command, console)
    warnings: list[str] = []
    log = display.log if view.verbose else lambda line: None
    with display, JobProcess(command, job, log) as process:
        try:
            for message in process.messages():
                if message["type"] == "progress":
                    display.show(message)
                elif message["type"] == "warning":
                    warnings.append(message["message"])
        except KeyboardInterrupt:
            message = process.cancel() or {}
    if "result" not in message:
        raise Cancelled
    if not view.json:
        for warning in warnings:
            print(f"Warning: {warning}", file=sys.stderr)
    return dict(message["result"])


def _fail(error: NephroSynthError, view: View) -> NoReturn:
    remedy = advice(error.action)
    print(f"Error: {error.what} {remedy}".rstrip(), file=sys.stderr)
    if view.verbose and error.__cause__ is not None:
        print(error.__cause__, file=sys.stderr)
    if view.json:
        kind = type(error).__name__
        code = error.action.value if error.action else None
        fields = {"class": kind, "what": error.what, "action": remedy, "code": code, "exit_code": error.exit_code}
        print(json.dumps({"error": fields}, indent=2))
    raise typer.Exit(error.exit_code)


def given(**options: Any) -> dict[str, Any]:
    """The options that the user gave."""
    return {name: value for name, value in options.items() if value is not None}
