"""Finds the exams in a DICOM archive and writes them as a manifest, in which all that is unclear is marked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.cohort.manifest import UNCLEAR, write_manifest
from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.files.staging import check_file
from NephroSynthLib.jobs.dicom_phases import find_kidney_labels
from NephroSynthLib.jobs.request import Flag, Request, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

if TYPE_CHECKING:
    from NephroSynthLib.dicom.index import DicomIndex
    from NephroSynthLib.dicom.recognition import ExamPhases
    from NephroSynthLib.dicom.series import Series

ROLES = ("noncontrast", "excretory", "nephrographic")
NEEDED = ROLES[:2]


class ManifestRequest(Request):
    """Finds the exams of a DICOM archive and the phases of each, and writes them as a manifest to check and to run."""

    root: Annotated[Path, Flag(metavar="DICOM_ROOT", positional=True)] = Field(
        description="Folder, DICOMDIR or zip with any DICOM files of any patients."
    )
    manifest: Annotated[Path, Flag(name="out", metavar="CSV")] = Field(
        Path("exams.csv"), description="The manifest to write."
    )
    overwrite: bool = field(options.OVERWRITE)


def find_exams(request: ManifestRequest, progress: Progress) -> Summary:
    """Writes the manifest of a DICOM archive.

    An exam gets a name that no header tells: a digest of its UIDs, which stays the same when the archive grows.

    Returns:
        `manifest`; the number of `exams`; `unclear` with the doubt by exam.

    Raises:
        UsageError: The manifest exists already.
        UnreadableInputError: The archive has no exam.
        ResourceError: The manifest cannot be written.
    """
    check_file(request.manifest)
    target = request.manifest.resolve()
    if target.is_dir() or (target.exists() and not request.overwrite):
        raise UsageError("The manifest exists already.", Action.REPLACE_FOLDER)
    rows = rows_of(request.root, target.parent, progress)
    if not rows:
        raise UnreadableInputError("There is no CT exam among the files.", Action.GIVE_DICOM)
    write_manifest(target, rows)
    return {
        "manifest": str(target),
        "exams": len(rows),
        "unclear": {row["exam"]: row[UNCLEAR] for row in rows if UNCLEAR in row},
        "warnings": [],
    }


def rows_of(root: Path, base: Path, progress: Progress) -> list[dict[str, str]]:
    """Returns a line for each exam of a DICOM archive.

    Args:
        root: The folder, DICOMDIR or zip.
        base: The folder of the manifest, from which paths begin.
        progress: Receives the progress; may cancel.

    Raises:
        UnreadableInputError: The archive cannot be read.
    """
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.recognition import recognize_phases

    index = index_dicom(root, progress.part(0.0, 0.2))
    report = recognize_phases(index, segment=find_kidney_labels, progress=progress.part(0.2, 1.0))
    return [_row(exam, index, root.resolve(), base) for exam in report.exams]


def _row(exam: ExamPhases, index: DicomIndex, root: Path, base: Path) -> dict[str, str]:
    """Returns the line of an exam; the likeliest series of each phase, even where it is unclear."""
    chosen, doubts = {}, list(exam.questions)
    for role in ROLES:
        found = [one for one in exam.acquisitions if one.phase.value == role]
        if role in NEEDED and not found:
            doubts.append(f"no series is surely of the {role} phase")
        if role in NEEDED and len(found) > 1:
            doubts.append(f"{len(found)} series are of the {role} phase")
        if found and (role in NEEDED or found[0].sure):
            chosen[role] = max(found, key=lambda one: one.probability).series
    folder = _folder([one.series for one in exam.acquisitions], root)
    beside = [series for series in index.series if _is_in(series, folder)]
    content = "\0".join(sorted(one.series.uid for one in exam.acquisitions))
    row = {
        "exam": f"exam-{hashlib.sha256(f'{exam.study_uid}{content}'.encode()).hexdigest()[:8]}",
        "dicom": os.path.relpath(folder, base) if folder.is_relative_to(base) else str(folder),
        **{f"{role}_series": _name(series, beside) for role, series in chosen.items()},
    }
    return {**row, UNCLEAR: "; ".join(dict.fromkeys(doubts))} if doubts else row


def _folder(series: Sequence[Series], root: Path) -> Path:
    """Returns the folder that holds all files of some series, or the archive itself if it is no folder."""
    folders = {str(path.parent) for one in series for path in _paths(one)}
    return Path(os.path.commonpath(folders)) if folders and root.is_dir() else root


def _is_in(series: Series, folder: Path) -> bool:
    return not folder.is_dir() or any(path.is_relative_to(folder) for path in _paths(series))


def _paths(series: Series) -> Iterator[Path]:
    return (source.resolve() for source in series.files if isinstance(source, Path))


def _name(series: Series, beside: Sequence[Series]) -> str:
    """Returns the number of a series, or its UID where others in its folder have the same number."""
    if series.number is not None and sum(one.name == series.name for one in beside) == 1:
        return series.name
    return f"{series.uid}.{series.part}" if series.part else series.uid
