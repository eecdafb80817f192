"""The DICOM ends of a run: the series that it reads, and the result as DICOM objects in their study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.dicom_output import model_identity, numbers_of_study
from NephroSynthLib.jobs.dicom_phases import find_kidney_labels
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.dicom.series import Series
    from NephroSynthLib.result import Result


@dataclass(frozen=True)
class RunInput:
    """The places from which the phases of a run are read.

    Attributes:
        notes: Sentences about the choice of series.
        taken_series_numbers: The series numbers that the study of the non-contrast series has already.
    """

    noncontrast: Path | Series
    excretory: Path | Series
    nephrographic: Path | Series | None = None
    notes: tuple[str, ...] = ()
    taken_series_numbers: tuple[int, ...] = ()


def find_series(folder: Path, named: Mapping[str, str], progress: Progress) -> RunInput:
    """Finds the series of the one exam among DICOM files.

    Args:
        folder: A folder, DICOMDIR or zip.
        named: The number or UID of series that the user chose, by phase ('noncontrast', 'excretory', 'nephrographic').
        progress: Receives the progress of the reading.

    Raises:
        AmbiguousPhasesError: If the phases are not clear.
    """
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.series_choice import choose_exam
    from NephroSynthLib.phases.evidence import Phase

    index = index_dicom(folder, progress.part(0.0, 0.2))
    names = {Phase(phase): name for phase, name in named.items()}
    choice = choose_exam(index, names, segment=find_kidney_labels, progress=progress.part(0.2, 1.0))
    noncontrast = choice.series[Phase.NONCONTRAST]
    return RunInput(
        noncontrast,
        choice.series[Phase.EXCRETORY],
        choice.series.get(Phase.NEPHROGRAPHIC),
        choice.notes,
        numbers_of_study(index, noncontrast),
    )


def with_series(given: RunInput, progress: Progress) -> RunInput:
    """Replaces folders by the DICOM series that they hold, checked for an export after the run.

    Raises:
        GeometryError: If a series has no frame of reference or its slices have no position.
        UnreadableInputError: If a file lacks the UIDs that the export refers to.
        UsageError: If the non-contrast phase is not a DICOM series.
    """
    from NephroSynthLib.dicom.source_series import read_source

    if isinstance(given.noncontrast, Path):
        noncontrast, numbers = _only_series(given.noncontrast, progress.part(0.0, 0.5))
        if isinstance(noncontrast, Path):
            raise UsageError(
                "A result can be written as DICOM only when its phases are DICOM series.", Action.GIVE_DICOM_PHASES
            )
        given = replace(given, noncontrast=noncontrast, taken_series_numbers=numbers)
    if isinstance(given.excretory, Path):
        given = replace(given, excretory=_only_series(given.excretory, progress.part(0.5, 1.0))[0])
    for series in (given.noncontrast, given.excretory):
        if not isinstance(series, Path):
            read_source(series)
    return given


def export_run(result: Result, given: RunInput, out: Path, *, deidentify: bool, overwrite: bool) -> None:
    """Writes the synthetic phase and the kidneys of a run as DICOM objects."""
    from NephroSynthLib.dicom.study_export import export_dicom

    assert not isinstance(given.noncontrast, Path), "with_series comes first"
    export_dicom(
        result.synthesis.image,
        given.noncontrast,
        out,
        model=model_identity(result.synthesis.model),
        kidneys=result.segmentation.labels,
        kidney_model=model_identity(result.segmentation.model),
        excretory=None if isinstance(given.excretory, Path) else given.excretory,
        taken_series_numbers=given.taken_series_numbers,
        deidentified=deidentify,
        overwrite=overwrite,
    )


def _only_series(path: Path, progress: Progress) -> tuple[Path | Series, tuple[int, ...]]:
    """Returns the one CT series at a path and the series numbers of its study; else the path and no numbers."""
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.imaging.image_files import is_image_file

    if is_image_file(path) or not path.exists():
        return path, ()
    index = index_dicom(path, progress)
    if len(index.volumes) != 1:
        return path, ()
    return index.volumes[0], numbers_of_study(index, index.volumes[0])
