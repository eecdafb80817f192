"""The command line. Each command turns its options into a job, runs it in a worker process and shows what came out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from NephroSynthLib import __version__
from NephroSynthLib.cli.dicom_commands import Deidentify, ExcretorySeries, NoncontrastSeries, add_commands
from NephroSynthLib.cli.work import Json, Out, Overwrite, Quiet, Verbose, View, given, work

app = typer.Typer(
    name="nephrosynth",
    help="Synthesizes the nephrographic phase of a CT urography exam. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
add_commands(app)

_VOLUMES = "A volume is a NIfTI, NRRD or MetaImage file, or a folder with one DICOM series."
_VOLUME = "VOLUME"
Noncontrast = Annotated[Path, typer.Option(metavar=_VOLUME, help="Non-contrast phase.")]
Excretory = Annotated[Path, typer.Option(metavar=_VOLUME, help="Excretory phase.")]
Kidneys = Annotated[Path | None, typer.Option(help="Label map of the non-contrast phase: 1 right, 2 left kidney.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda:N or mps.", show_default="auto")]
Seed = Annotated[int, typer.Option(min=0, help="Of the noise: the same seed gives the same voxels.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Denoising steps.")]
Samples = Annotated[int | None, typer.Option(min=1, help="Volumes to draw; more than one gives an uncertainty map.")]
Model = Annotated[str | None, typer.Option(help="Name of a bundled model, or a .safetensors bundle.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail (exit 4) if the registration misses its quality gate.")]
Mode = Annotated[Literal["two-stage", "affine", "none"], typer.Option("--registration", help="How far to register.")]


def _spacing(text: str) -> tuple[float, ...] | None:
    if text == "native":
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter("give 'native', or three numbers in mm, as in 0.8,0.8,2.5") from None
    return x, y, z


def _delay(text: str) -> float | str:
    if text == "dicom":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter("give seconds, or 'dicom' for what the header tells") from None


def _seconds(delay: float | str | None) -> float | None:
    return delay if isinstance(delay, float) else None


Delay = Annotated[
    Any,
    typer.Option(
        "--excretory-delay",
        parser=_delay,
        metavar="SECONDS|dicom",
        help="From the injection to the excretory phase, for the model to know; 'dicom' takes it from the header.",
    ),
]
Spacing = Annotated[
    Any,
    typer.Option(
        parser=_spacing,
        metavar="native|X,Y,Z",
        help="Voxel size of the result in mm: left-right, front-back, head-foot; 0 keeps the input's.",
    ),
]


@app.command()
def demo(
    out: Out = Path("demo"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Simulates an exam and runs the whole pipeline on it, on the CPU."""
    arguments = {"out": out, "overwrite": overwrite, "settings": {"device": "cpu"}}
    work("demo", arguments, View(quiet, as_json, verbose))


@app.command()
def simulate(
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="Of the first exam; the next ones follow it.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many exams.")] = 1,
    file_format: Annotated[
        Literal["nifti", "nrrd", "dicom"], typer.Option("--format", help="Of the phases.")
    ] = "nifti",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Simulates CT urography exams with known truth."""
    arguments = {"out": out, "seed": seed, "count": count, "file_format": file_format, "overwrite": overwrite}
    work("simulate", arguments, View(quiet, as_json, verbose))


@app.command(epilog=_VOLUMES)
def run(
    out: Out,
    noncontrast: Annotated[Path | None, typer.Option(metavar=_VOLUME, help="Non-contrast phase.")] = None,
    excretory: Annotated[Path | None, typer.Option(metavar=_VOLUME, help="Excretory phase.")] = None,
    nephrographic: Annotated[
        Path | None, typer.Option(metavar=_VOLUME, help="Acquired nephrographic phase, to compare with.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option(metavar="DICOM_DIR", help="DICOM exam; its phases are found, instead of given.")
    ] = None,
    noncontrast_series: NoncontrastSeries = None,
    excretory_series: ExcretorySeries = None,
    dicom_out: Annotated[
        Path | None, typer.Option(help="Folder for the result as DICOM, in the source's study.")
    ] = None,
    deidentify: Deidentify = False,
    kidneys: Kidneys = None,
    model: Model = None,
    device: Device = None,
    steps: Steps = None,
    samples: Samples = None,
    excretory_delay: Delay = None,
    seed: Seed = 0,
    spacing: Spacing = "native",
    registration: Mode = "two-stage",
    strict: Strict = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Runs the whole job: segment, register, synthesize, judge, report."""
    settings = {
        "registration": {"mode": registration},
        "synthesis": given(
            model=_model(model), steps=steps, samples=samples, excretory_delay_s=_seconds(excretory_delay)
        ),
        "delay_from_dicom": excretory_delay == "dicom",
        **given(device=device, spacing=spacing),
        "seed": seed,
        "strict": strict,
    }
    _check_phases_given(dicom, noncontrast, excretory, nephrographic, named=(noncontrast_series, excretory_series))
    arguments = given(noncontrast=noncontrast, excretory=excretory, nephrographic=nephrographic, kidneys=kidneys)
    arguments |= given(dicom=dicom, dicom_out=dicom_out)
    arguments["series"] = given(noncontrast=noncontrast_series, excretory=excretory_series)
    arguments |= {"out": out, "settings": settings, "overwrite": overwrite, "deidentify": deidentify}
    work("run", arguments, View(quiet, as_json, verbose))


@app.command(epilog=_VOLUMES)
def register(
    noncontrast: Noncontrast,
    excretory: Excretory,
    out: Out,
    kidneys: Kidneys = None,
    device: Device = None,
    registration: Mode = "two-stage",
    strict: Strict = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Registers the excretory phase to the non-contrast one: the abdomen first, then each kidney on its own."""
    settings = {"registration": {"mode": registration}, "strict": strict, **given(device=device)}
    arguments = given(noncontrast=noncontrast, excretory=excretory, kidneys=kidneys)
    arguments |= {"out": out, "settings": settings, "overwrite": overwrite}
    work("register", arguments, View(quiet, as_json, verbose))


@app.command(epilog=_VOLUMES)
def segment(
    image: Annotated[Path, typer.Option(metavar=_VOLUME, help="CT of any phase.")],
    out: Out,
    model: Model = None,
    device: Device = None,
    steps: Steps = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Segments the kidneys of a CT, left and right."""
    settings = {"segmentation": given(model=_model(model), steps=steps), **given(device=device), "seed": seed}
    arguments = {"image": image, "out": out, "settings": settings, "overwrite": overwrite}
    work("segment", arguments, View(quiet, as_json, verbose))


@app.command(epilog=_VOLUMES)
def synthesize(
    noncontrast: Noncontrast,
    excretory: Annotated[Path, typer.Option(metavar=_VOLUME, help="Excretory phase on the grid of the other.")],
    kidneys: Annotated[Path, typer.Option(help="Label map of the non-contrast phase.")],
    out: Out,
    model: Model = None,
    device: Device = None,
    steps: Steps = None,
    samples: Samples = None,
    excretory_delay: Delay = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Synthesizes the nephrographic phase from phases that are registered already."""
    chosen = given(model=_model(model), steps=steps, samples=samples, excretory_delay_s=_seconds(excretory_delay))
    settings = {
        "synthesis": chosen,
        "delay_from_dicom": excretory_delay == "dicom",
        **given(device=device),
        "seed": seed,
    }
    arguments = given(noncontrast=noncontrast, excretory=excretory, kidneys=kidneys)
    arguments |= {"out": out, "settings": settings, "overwrite": overwrite}
    work("synthesize", arguments, View(quiet, as_json, verbose))


@app.command(epilog=_VOLUMES)
def evaluate(
    synthetic: Annotated[Path, typer.Option(metavar=_VOLUME, help="Synthetic phase.")],
    acquired: Annotated[Path, typer.Option(metavar=_VOLUME, help="Acquired phase, registered to it.")],
    kidneys: Annotated[Path | None, typer.Option(help="Label map of the kidneys.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compares a synthetic phase with the acquired one."""
    arguments = given(synthetic=synthetic, acquired=acquired, kidneys=kidneys)
    work("evaluate", arguments, View(quiet, as_json, verbose))


@app.command()
def prepare(
    task: Annotated[Literal["segmentation", "synthesis"], typer.Argument(help="Which model is to learn from it.")],
    cohort: Annotated[Path, typer.Option(help="Folder with one folder for each exam (see Documentation/Training.md).")],
    out: Annotated[Path, typer.Option(help="Folder for the cases; give it to 'train' as --out.")],
    held_out: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the exams that only judge.")] = 0.1,
    device: Device = None,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Prepares a cohort of one's own for training; called again, it adds the exams that are new."""
    arguments = given(task=task, cohort=cohort, out=out, held_out=held_out, settings=given(device=device))
    work("prepare", arguments, View(quiet, as_json, verbose))


@app.command()
def train(
    task: Annotated[Literal["segmentation", "synthesis"], typer.Argument(help="Which model.")],
    out: Annotated[Path, typer.Option(help="Folder for cases, checkpoints and bundle; a training there is resumed.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 20_000,
    exams: Annotated[int, typer.Option(min=0, help="Simulated exams to draw from; 0 for a cohort alone.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Of exams, weights, crops and noise.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Crops of a step.")] = 1,
    learning_rate: Annotated[float, typer.Option(min=1e-8, max=1.0, help="The highest of AdamW.")] = 1e-3,
    preparers: Annotated[int, typer.Option(min=1, help="Processes that prepare exams.")] = 1,
    start_from: Annotated[str | None, typer.Option(help="Model whose weights to begin with: name or path.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Trains a model on simulated exams; Ctrl-C and the same command again go on from the last checkpoint."""
    arguments = given(task=task, out=out, steps=steps, exams=exams, seed=seed, batch_size=batch_size)
    arguments |= {"learning_rate": learning_rate, "preparers": preparers, **given(start_from=start_from)}
    work("train", arguments, View(quiet, as_json, verbose))


@app.command()
def models(
    action: Annotated[Literal["list", "show", "verify"], typer.Argument(help="What to do.")] = "list",
    model: Annotated[str | None, typer.Argument(help="Name of a bundled model, or a .safetensors bundle.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Lists the bundled models, shows one, or verifies one or all."""
    if action == "show" and model is None:
        raise typer.BadParameter("name the model to show", param_hint="MODEL")
    work("models", {"action": action, **given(model=_model(model))}, View(quiet, as_json, verbose))


def main() -> None:
    """Runs the command line."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


def _check_phases_given(dicom: Path | None, *phases: Path | None, named: tuple[str | None, ...]) -> None:
    """Either the non-contrast and the excretory phase are given, or a DICOM exam in which to find them."""
    if dicom is None and None in phases[:2]:
        raise typer.BadParameter("give --noncontrast and --excretory, or --dicom")
    if dicom is not None and any(phase is not None for phase in phases):
        raise typer.BadParameter("give the phases, or --dicom, not both", param_hint="--dicom")
    if dicom is None and any(name is not None for name in named):
        raise typer.BadParameter("a series can be named only in an exam that --dicom gives", param_hint="--dicom")


def _model(name: str | None) -> str | None:
    """A bundled model's name as it is, a file's path as an absolute one: the worker has its own current folder."""
    return os.path.abspath(name) if name is not None and os.path.isfile(name) else name


if __name__ == "__main__":
    main()
