#!/usr/bin/env python-real
"""Synthesizes the nephrographic phase of a CT urography exam: the pipeline as a command line module of Slicer.

`NephroSynthCLI.xml` describes the arguments to Slicer. Progress goes to standard output, as Slicer reads it from a
command line module.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
for folder in (HERE.parents[1], HERE.parent / "qt-scripted-modules"):  # the source tree, and the installed extension
    if (folder / "NephroSynthLib").is_dir():
        sys.path.append(str(folder))

if TYPE_CHECKING:
    from NephroSynthLib.progress import ProgressEvent

_KINDS = {"integer": int, "double": float}
_INPUTS = {
    **{name: name for name in ("noncontrast", "excretory", "nephrographic", "kidneys")},
    "initial_transform": "initialTransform",
}
"""The fields of the request that name an input, and the arguments that give them."""
_FILES = {
    "excretoryOutput": "excretory_registered.nrrd",
    "kidneysOutput": "kidneys.nrrd",
    "uncertaintyOutput": "uncertainty.nrrd",
    "transformOutput": "excretory_to_noncontrast.h5",
    "reportOutput": "report.html",
}


def _elements() -> dict[str, ElementTree.Element]:
    """The elements of the XML that describe arguments, by name."""
    found = ElementTree.parse(HERE / "NephroSynthCLI.xml").getroot().findall("parameters/*[name]")
    return {element.findtext("name", ""): element for element in found}


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the arguments that the XML describes."""
    made = argparse.ArgumentParser(description="Synthesizes the nephrographic phase of a CT urography exam.")
    elements = _elements()
    for name in sorted(elements, key=lambda name: int(elements[name].findtext("index", "99"))):
        element = elements[name]
        text = element.findtext("description", "").replace("%", "%%")
        if element.find("index") is not None:
            made.add_argument(name, type=Path, help=text)
            continue
        kind = Path if element.find("channel") is not None else _KINDS.get(element.tag, str)
        default = element.findtext("default")
        choices = [one.text for one in element.findall("element")] or None
        made.add_argument(
            f"--{element.findtext('longflag')}",
            dest=name,
            type=kind,
            default=kind(default) if default is not None else None,
            choices=choices,
            help=text,
        )
    return made


def settings(given: argparse.Namespace) -> dict[str, Any]:
    """Returns the library's settings; 0 means that a number is not known."""
    from NephroSynthLib.session.form_values import PLACES, settings_of

    return settings_of({name: value for name, value in vars(given).items() if name in PLACES})


def flags() -> dict[str, str]:
    """Returns the flags by setting, such as '--excretory-delay' for 'synthesis.excretory_delay_s'."""
    from NephroSynthLib.session.form_values import PLACES

    return {PLACES[name]: f"--{one.findtext('longflag')}" for name, one in _elements().items() if name in PLACES}


def report(event: ProgressEvent) -> None:
    """Tells Slicer the progress of the whole run."""
    from NephroSynthLib.progress import PIPELINE_SHARES

    stages = list(PIPELINE_SHARES)
    if event.stage in stages:
        before = sum(PIPELINE_SHARES[stage] for stage in stages[: stages.index(event.stage)])
        done = (before + event.fraction * PIPELINE_SHARES[event.stage]) / sum(PIPELINE_SHARES.values())
        print(f"<filter-progress>{done:.4f}</filter-progress>", flush=True)
    print(f"<filter-comment>{escape(event.message)}</filter-comment>", flush=True)


def run(given: argparse.Namespace) -> None:
    """Runs the pipeline in a temporary folder, and hands over the results that are wanted."""
    from NephroSynthLib.jobs.catalogue import execute
    from NephroSynthLib.progress import Progress

    with TemporaryDirectory(prefix="nephrosynth-") as temporary:
        out = Path(temporary) / "result"
        inputs = {name: getattr(given, field) for name, field in _INPUTS.items()}
        request: dict[str, Any] = {name: str(path) for name, path in inputs.items() if path is not None}
        request |= {"out": str(out), "images": "nrrd", "settings": settings(given)}
        summary = execute("run", request, Progress(report), flags())
        for warning in summary["warnings"]:
            print(f"Warning: {warning}")
        _hand_over(out / "synthetic_nephrographic.nrrd", given.synthetic)
        for name, file in _FILES.items():
            target = getattr(given, name)
            if target is not None and (out / file).is_file():
                _hand_over(out / file, target)


def _hand_over(file: Path, target: Path) -> None:
    """Writes a result to the path that Slicer chose, in the format of that path."""
    import shutil

    import SimpleITK as sitk

    if file.suffix == target.suffix:
        shutil.copyfile(file, target)
    elif file.suffix == ".h5":
        sitk.WriteTransform(sitk.ReadTransform(str(file)), str(target))
    else:
        sitk.WriteImage(sitk.ReadImage(str(file)), str(target))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the module and returns its exit status."""
    given = parser().parse_args(arguments)
    print("<filter-start><filter-name>NephroSynth</filter-name></filter-start>", flush=True)
    try:
        run(given)
    except Exception as error:
        return _fail(error)
    print("<filter-end><filter-name>NephroSynth</filter-name></filter-end>", flush=True)
    return 0


def _fail(error: Exception) -> int:
    """Says on standard error, which Slicer shows, what went wrong."""
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("NephroSynthLib"):
        print(
            f"The package {error.name} is missing. Press Apply once in the module NephroSynth, which installs it.",
            file=sys.stderr,
        )
        return 1
    from NephroSynthLib.jobs.failures import as_our_error

    ours = as_our_error(error)
    print(f"{ours.what} {ours.action.sentence if ours.action else ''}".strip(), file=sys.stderr)
    return int(ours.exit_code)


if __name__ == "__main__":
    sys.exit(main())
