"""Typed requests: the arguments of a job, with their defaults, ranges and help.

A request is read from JSON (the worker's first line), and the command line is generated from its fields. A field takes
its default, range and help from an `Option`, or declares a help of its own; `Flag` tells how the command line shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from NephroSynthLib import options
from NephroSynthLib.engines.engine import Resources
from NephroSynthLib.errors import UsageError
from NephroSynthLib.options import EngineName
from NephroSynthLib.settings import Settings, field
from NephroSynthLib.wording import in_words, place_of

Summary = dict[str, Any]
"""The summary of a job, as JSON."""

KIDNEYS_HELP = (
    "Kidneys of the non-contrast phase: a label map (1 right, 2 left), a DICOM segmentation, or a folder of masks such "
    "as TotalSegmentator's."
)


@dataclass(frozen=True)
class Flag:
    """How the command line shows a field.

    Attributes:
        name: Name of the flag or argument without dashes; empty for the field's own.
        metavar: Placeholder of its value; empty for that of its type.
        positional: Whether it is an argument instead of a flag.
        hidden: Whether the command line lacks it.
    """

    name: str = ""
    metavar: str = ""
    positional: bool = False
    hidden: bool = False


VOLUME = "VOLUME"
Volume = Annotated[Path, Flag(metavar=VOLUME)]
DicomFolder = Annotated[Path, Flag(metavar="DICOM_DIR")]


class Request(BaseModel):
    """Base of all requests; the first line of a subclass's docstring describes its job."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class WritingRequest(Request):
    """A request whose job writes one output folder, whole or not at all."""

    out: Path = Field(description="Folder for the result; it must not exist, or be empty.")
    overwrite: bool = field(options.OVERWRITE)


class ComputingRequest(Request):
    """A request whose job computes on a device, with settings of the stages."""

    settings: Settings = Settings()


class ManyExamsRequest(ComputingRequest):
    """A request whose job works on many exams, each a task of an engine."""

    engine: EngineName = field(options.ENGINE)
    workers: int = field(options.WORKERS)
    gpus_per_exam: Annotated[float, Flag(metavar="SHARE")] = field(options.GPUS_PER_EXAM)
    memory_per_exam: Annotated[float, Flag(metavar="GB")] = field(options.MEMORY_PER_EXAM)
    address: str = field(options.ADDRESS)

    @property
    def resources(self) -> Resources:
        """The resources that the exams may take."""
        return Resources(self.workers, self.gpus_per_exam, self.memory_per_exam, self.address)


Kind = TypeVar("Kind", bound=Request)


def parse(kind: type[Kind], arguments: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Kind:
    """Reads a request.

    Args:
        kind: Its class.
        arguments: Its fields, as JSON or as Python objects.
        names: The names by which the user knows fields and settings, such as '--steps' for 'synthesis.steps'.

    Raises:
        UsageError: If an argument is missing, unknown or not valid, in words without jargon.

    Example:
        >>> parse(WritingRequest, {"out": "result"}).overwrite
        False
    """
    try:
        return kind.model_validate(dict(arguments))
    except ValidationError as error:
        raise UsageError(_sentence(error.errors()[0], names or {})) from None


def _sentence(problem: ErrorDetails, names: Mapping[str, str]) -> str:
    """Returns one problem that pydantic found, as a sentence of ours."""
    place = place_of(problem).removeprefix("settings.")
    name = names.get(place, place)
    if problem["type"] == "extra_forbidden":
        return f"There is no option {name}."
    return f"The option {name} {in_words(problem)}."
