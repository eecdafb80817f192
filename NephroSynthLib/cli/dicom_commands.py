"""The commands that speak DICOM: which series is which phase, export, and sending to a PACS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from NephroSynthLib.cli.work import Json, Out, Overwrite, Quiet, Verbose, View, given, work
from NephroSynthLib.errors import NetworkError

_DICOM = "DICOM_DIR"
_SERIES = "its number or UID, as 'nephrosynth phases' shows them."
NoncontrastSeries = Annotated[str | None, typer.Option(help=f"The non-contrast series: {_SERIES}")]
ExcretorySeries = Annotated[str | None, typer.Option(help=f"The excretory series: {_SERIES}")]
Deidentify = Annotated[
    bool, typer.Option("--deidentify", help="Remove every identifier from the DICOM output (basic profile of PS3.15).")
]


def add_commands(app: typer.Typer) -> None:
    """Adds the commands of this module to the command line."""
    app.command()(phases)
    app.command()(export_dicom)
    app.command()(send)


def phases(
    folder: Annotated[Path, typer.Argument(metavar=_DICOM, help="Folder, DICOMDIR or zip with any DICOM files.")],
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Tells which DICOM series is which phase, how sure that is, and why."""
    work("phases", {"folder": folder}, View(quiet, as_json, verbose))


def export_dicom(
    volume: Annotated[Path, typer.Option(help="Synthetic nephrographic phase: NIfTI, NRRD or MetaImage.")],
    source: Annotated[Path, typer.Option(metavar=_DICOM, help="The DICOM exam that it was computed from.")],
    out: Out,
    kidneys: Annotated[Path | None, typer.Option(help="Label map, to be written as a DICOM segmentation.")] = None,
    noncontrast_series: NoncontrastSeries = None,
    excretory: Annotated[
        Path | None,
        typer.Option(
            metavar=_DICOM, help="Where its excretory phase lies, to be referenced too, if not in the source."
        ),
    ] = None,
    excretory_series: ExcretorySeries = None,
    deidentify: Deidentify = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Writes a synthetic phase as a CT series into the study of its source."""
    arguments = given(
        volume=volume,
        source=source,
        kidneys=kidneys,
        noncontrast_series=noncontrast_series,
        excretory=excretory,
        excretory_series=excretory_series,
    )
    arguments |= {"out": out, "deidentify": deidentify, "overwrite": overwrite}
    work("export-dicom", arguments, View(quiet, as_json, verbose))


def send(
    folder: Annotated[Path, typer.Argument(help="Folder with the DICOM files to send, or one file.")],
    host: Annotated[str, typer.Option(help="Name or address of the PACS.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its DICOM port.")] = 104,
    ae_title: Annotated[str, typer.Option("--aet", help="Its AE title.")] = "ANY-SCP",
    own_ae_title: Annotated[str, typer.Option("--own-aet", help="The AE title of this computer.")] = "NEPHROSYNTH",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for any answer.")] = 30.0,
    quiet: Quiet = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Sends DICOM files to a PACS (C-STORE)."""
    arguments = {"folder": folder, "host": host, "port": port, "ae_title": ae_title, "own_ae_title": own_ae_title}
    summary = work("send", arguments | {"timeout_s": timeout}, View(quiet, as_json, verbose))
    if summary["failed"]:
        raise typer.Exit(NetworkError.exit_code)
