"""The command line: each command is generated from the request of its job and runs that job in a worker process."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup

from NephroSynthLib import __version__
from NephroSynthLib.cli.error_output import print_error_as_json
from NephroSynthLib.cli.flags import (
    SettingFlag,
    arguments,
    flag_names,
    parameters,
    read_delay,
    read_spacing,
    reads_volumes,
)
from NephroSynthLib.cli.work import Json, Quiet, Verbose, View, work
from NephroSynthLib.cohort.cohort_run import KEPT, CohortRequest, run_cohort
from NephroSynthLib.cohort.dicom_exams import ManifestRequest, find_exams
from NephroSynthLib.errors import NephroSynthError, NetworkError, UsageError
from NephroSynthLib.jobs.catalogue import JOBS, Job
from NephroSynthLib.jobs.request import Request
from NephroSynthLib.progress import Ending
from NephroSynthLib.reader_study.study_evaluation import AnswersRequest, evaluate_answers
from NephroSynthLib.reader_study.study_making import StudyRequest, make_study
from NephroSynthLib.web.serving import ViewRequest, serve
from NephroSynthLib.wording import in_words

_VOLUMES = "A volume is a NIfTI, NRRD or MetaImage file, or a folder with one DICOM series."

_DEVICE = {"device": SettingFlag("device")}
_SEED = {"seed": SettingFlag("seed")}
_REGISTRATION = {
    "registration": SettingFlag("registration.mode"),
    "landmark-use": SettingFlag("registration.landmark_use"),
    "strict": SettingFlag("strict"),
}
_SPACING = {
    "spacing": SettingFlag("spacing", read_spacing, metavar="native|X,Y,Z", default="native"),
}
_SYNTHESIS = {
    "model": SettingFlag("synthesis.model"),
    **_DEVICE,
    "sampler": SettingFlag("synthesis.sampler"),
    "steps": SettingFlag("synthesis.steps"),
    "samples": SettingFlag("synthesis.samples"),
    "excretory-delay": SettingFlag(
        "synthesis.excretory_delay_s",
        read_delay,
        metavar="SECONDS|dicom",
        help="'dicom' takes it from the header.",
        switches={"dicom": "delay_from_dicom"},
    ),
    "nephrographic-delay": SettingFlag("synthesis.nephrographic_delay_s", metavar="SECONDS"),
    "weight": SettingFlag("synthesis.weight_kg", metavar="KG"),
    "iodine": SettingFlag("synthesis.iodine_g", metavar="GRAMS"),
    "egfr": SettingFlag("synthesis.egfr_ml_min", metavar="ML/MIN"),
    "patient-from-dicom": SettingFlag("patient_from_dicom"),
    **_SEED,
}
_SEGMENTER = {"segmenter": SettingFlag("segmentation.model")}
_SEGMENTATION = {
    "segmenter": SettingFlag("segmentation.model", also="model"),
    **_DEVICE,
    "steps": SettingFlag("segmentation.steps"),
    **_SEED,
}

COMMANDS: Mapping[str, Mapping[str, SettingFlag]] = {
    "demo": {},
    "simulate": {},
    "run": {**_SYNTHESIS, **_SEGMENTER, **_SPACING, **_REGISTRATION},
    "register": {**_SEGMENTER, **_DEVICE, **_REGISTRATION},
    "segment": _SEGMENTATION,
    "synthesize": _SYNTHESIS,
    "transform": {},
    "evaluate": {},
    "phases": {},
    "export-dicom": {},
    "send": {},
    "prepare": _DEVICE,
    "train": _DEVICE,
    "benchmark": _DEVICE,
    "generate": {**_DEVICE, **_SEED},
    "models": {},
}
"""The jobs that are commands, with the settings that are flags of each."""


_WRONG_USAGE: Any = typer.BadParameter.__base__  # Typer has no public name for the base of all errors of usage


class _WithoutPlaceholder:
    """Shows flags that take no value, such as --help, without a placeholder."""

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class _Command(_WithoutPlaceholder, TyperCommand):
    pass


class _Group(_WithoutPlaceholder, TyperGroup):
    """Prints wrong usage as JSON too, where the arguments hold --json."""

    _as_json = False

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        self._as_json = "--json" in (sys.argv[1:] if args is None else args)
        return super().main(args, *more, **options)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with self._wrong_usage():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with self._wrong_usage():
            return super().invoke(ctx)

    @contextmanager
    def _wrong_usage(self) -> Iterator[None]:
        try:
            yield
        except _WRONG_USAGE as error:  # Typer shows it on standard error
            if isinstance(error.__cause__, ValidationError):  # newer versions of Typer check values by pydantic
                error.message = in_words(error.__cause__.errors()[0])
            if self._as_json:
                print_error_as_json(UsageError(error.format_message()))
            raise


app = typer.Typer(
    name="nephrosynth",
    cls=_Group,
    help="Synthesizes the nephrographic phase of a CT urography exam. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def add_command(
    group: typer.Typer,
    name: str,
    request: type[Request],
    settings: Mapping[str, SettingFlag],
    act: Callable[[dict[str, Any], View, Mapping[str, str]], None],
) -> None:
    """Adds a command that is generated from a request.

    Args:
        group: Takes the command.
        name: The command's.
        request: The request.
        settings: Flags for single settings, by name.
        act: Carries out the request's arguments; takes the flags of fields and settings for its messages.
    """
    names = flag_names(request, settings)

    def command(quiet: bool, as_json: bool, verbose: bool, **values: Any) -> None:
        act(arguments(values, settings), View(quiet, as_json, verbose), names)

    keyword = inspect.Parameter.KEYWORD_ONLY
    common = {"quiet": Quiet, "as_json": Json, "verbose": Verbose}
    signature = [
        *parameters(request, settings),
        *(inspect.Parameter(one, keyword, default=False, annotation=kind) for one, kind in common.items()),
    ]
    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
    text = inspect.getdoc(request) or ""
    group.command(
        name,
        cls=_Command,
        help=text.split("\n\n")[0],
        epilog=_VOLUMES if reads_volumes(request) else None,
    )(command)


def _add_job(name: str) -> None:
    def act(arguments: dict[str, Any], view: View, names: Mapping[str, str]) -> None:
        if work(name, arguments, view, names=names).get("failed"):  # files that a PACS did not store
            raise typer.Exit(NetworkError.exit_code)

    add_command(app, name, JOBS[name].request, COMMANDS[name], act)


def _add_group(name: str, text: str, jobs: Mapping[str, tuple[Job, Mapping[str, SettingFlag]]]) -> None:
    """Adds a command with commands of its own, whose jobs run in this process."""
    group = typer.Typer(cls=_Group, help=text, no_args_is_help=True)

    def add(command: str, job: Job, settings: Mapping[str, SettingFlag]) -> None:
        def act(arguments: dict[str, Any], view: View, names: Mapping[str, str]) -> None:
            if work(command, arguments, view, {command: job}, names).get("failed"):
                raise typer.Exit(NephroSynthError.exit_code)

        add_command(group, command.removeprefix(f"{name} "), job.request, settings, act)

    for own, (job, settings) in jobs.items():
        add(f"{name} {own}", job, settings)
    app.add_typer(group, name=name)


for _name in COMMANDS:
    _add_job(_name)

_add_group(
    "cohort",
    "Runs many exams, on this machine or on a cluster.",
    {
        "manifest": (Job(ManifestRequest, find_exams), {}),
        "run": (Job(CohortRequest, run_cohort, Ending(kept=KEPT)), COMMANDS["run"]),
    },
)
_add_group(
    "reader-study",
    "Lets readers judge real and synthetic slices blindly, and evaluates their answers.",
    {"make": (Job(StudyRequest, make_study), {}), "evaluate": (Job(AnswersRequest, evaluate_answers), {})},
)


def _serve(arguments: dict[str, Any], view: View, names: Mapping[str, str]) -> None:
    """Serves the browser view, without the bar of a progress that has no end."""
    work("view", arguments, View(True, view.json, view.verbose), {"view": Job(ViewRequest, serve)}, names)


add_command(app, "view", ViewRequest, {}, _serve)


def main() -> None:
    """Runs the command line."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Print it.")
    ] = False,
) -> None:
    pass


if __name__ == "__main__":
    main()
