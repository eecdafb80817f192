"""The series that a run takes from a collection of DICOM files: the named ones, else those that are sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.dicom.index import DicomIndex
from NephroSynthLib.dicom.recognition import ExamPhases, PhaseReport, SeriesPhase, recognize_phases
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.errors import Action, AmbiguousPhasesError
from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.phases.pixel_evidence import Segment
from NephroSynthLib.progress import Progress

NEEDED = (Phase.NONCONTRAST, Phase.EXCRETORY)
_SAME_GRID_MM = 0.05


@dataclass(frozen=True)
class Choice:
    """The series of one exam by phase, and sentences that say how they were found."""

    series: Mapping[Phase, Series]
    notes: tuple[str, ...]


def choose_exam(
    index: DicomIndex,
    named: Mapping[Phase, str],
    *,
    segment: Segment | None = None,
    progress: Progress = Progress(),
) -> Choice:
    """Finds the phases of the one exam to run.

    Args:
        index: The files.
        named: Series that the user names for a phase, by number or UID. They need no recognition.
        segment: As `recognize_phases` takes it.
        progress: Receives the progress after each series.

    Raises:
        AmbiguousPhasesError: If a needed phase is missing, doubtful or there twice, if there are several exams, if the
            patient is not clear, or if a name fits no series or several.
        Cancelled: If the run was cancelled.

    Example:
        choice = choose_exam(index_dicom(Path("exam")), {Phase.EXCRETORY: "4.2"})
        choice.series[Phase.NONCONTRAST].title
    """
    chosen = {phase: _find_named(index, phase, name) for phase, name in named.items()}
    notes = [_named_note(phase, series) for phase, series in chosen.items()]
    if not set(NEEDED) <= chosen.keys():
        report = recognize_phases(index, segment=segment, progress=progress)
        exam = _only_exam(report, chosen)
        if exam.doubts:
            raise AmbiguousPhasesError(
                f"It is not clear whose exam this is: {'; '.join(exam.doubts)}.", Action.NAME_SERIES
            )
        for phase in NEEDED:
            if phase not in chosen:
                found = _sure(exam, phase)
                chosen[phase] = found.series
                notes.append(_note(phase, found))
        acquired = exam.find(Phase.NEPHROGRAPHIC)
        if acquired is not None and acquired.sure and Phase.NEPHROGRAPHIC not in chosen:
            chosen[Phase.NEPHROGRAPHIC] = acquired.series
            notes.append(_note(Phase.NEPHROGRAPHIC, acquired))
    return Choice(chosen, tuple(notes))


def find_source(
    index: DicomIndex,
    volume: sitk.Image,
    name: str | None,
    *,
    progress: Progress = Progress(),
) -> Series:
    """Finds the non-contrast series from which a volume was computed: the named one, or the one with its grid.

    If no series has its grid, as after a run with its own spacing, it is the only series or the one that is surely
    non-contrast. `has_grid` tells whether to warn.

    Raises:
        AmbiguousPhasesError: If none or several have its grid, and their phases do not tell which it is.
    """
    if name is not None:
        return _find_named(index, Phase.NONCONTRAST, name)
    volumes = index.volumes or tuple(series for series in index.series if series.is_derived_volume)
    candidates = [series for series in volumes if has_grid(series, volume)] or list(volumes)
    if len(candidates) == 1:
        return candidates[0]
    report = recognize_phases(DicomIndex(tuple(candidates), ()), progress=progress)
    exams = [exam for exam in report.exams if exam.find(Phase.NONCONTRAST) is not None]
    if len(exams) != 1:
        titles = "; ".join(series.title for series in candidates) or "there is no CT volume"
        raise AmbiguousPhasesError(
            f"It is not clear from which series the volume was computed: {titles}.", Action.NAME_SERIES
        )
    return _sure(exams[0], Phase.NONCONTRAST).series


def find_excretory(index: DicomIndex, name: str | None) -> Series:
    """Finds the excretory series of an export: the named one, or the only one.

    Raises:
        AmbiguousPhasesError: If there is no such series, or several.
    """
    if name is None and len(index.volumes) == 1:
        return index.volumes[0]
    if name is None:
        titles = "; ".join(series.title for series in index.volumes) or "no CT volume"
        raise AmbiguousPhasesError(
            f"It is not clear which series is the excretory phase: {titles}.", Action.NAME_SERIES
        )
    return _find_named(index, Phase.EXCRETORY, name)


def _find_named(index: DicomIndex, phase: Phase, name: str) -> Series:
    found = [series for series in index.volumes if name in _names(series)] or [
        series for series in index.series if series.is_derived_volume and name in _names(series)
    ]
    aside = [series for series in index.series if series.why_not_volume is not None and name in _names(series)]
    if not found and aside:
        raise AmbiguousPhasesError(
            f"The {phase.words} phase cannot be {aside[0].title}, which is set aside: {aside[0].why_not_volume}.",
            Action.NAME_SERIES,
        )
    if len(found) != 1:
        raise AmbiguousPhasesError(
            f"{'No' if not found else 'More than one'} CT series is numbered {name} ({phase.words} phase).",
            Action.NAME_SERIES,
        )
    return found[0]


def _names(series: Series) -> tuple[str, ...]:
    numbers = () if series.number is None else (str(series.number), series.name)
    return (series.uid, f"{series.uid}.{series.part}", *numbers)


def _only_exam(report: PhaseReport, chosen: Mapping[Phase, Series]) -> ExamPhases:
    """Returns the one exam that has all phases still needed; named series must belong to its study."""
    studies = {series.study_uid for series in chosen.values()}
    exams = [exam for exam in report.exams if not studies or exam.study_uid in studies]
    needed = [phase for phase in NEEDED if phase not in chosen]
    complete = [exam for exam in exams if all(any(one.phase is phase for one in exam.acquisitions) for phase in needed)]
    if len(complete) > 1:
        patients = len({exam.patient for exam in complete})
        whose = f"of {patients} patients" if patients > 1 else "of one patient"
        raise AmbiguousPhasesError(
            f"There are {len(complete)} exams {whose} with the phases that are needed.", Action.NAME_SERIES
        )
    if not complete:
        seen = [f"{one.series.title} looks {one.phase.words}" for exam in exams for one in exam.acquisitions]
        found = {one.phase for exam in exams for one in exam.acquisitions}
        missing = " and no ".join(phase.words for phase in needed if phase not in found)
        lack = f"There is no {missing} phase" if missing else "No exam has all phases that are needed"
        raise AmbiguousPhasesError(f"{lack}: {'; '.join(seen) or 'there is no CT volume'}.", Action.NAME_SERIES)
    return complete[0]


def _sure(exam: ExamPhases, phase: Phase) -> SeriesPhase:
    """Returns the one acquisition of a phase if it is sure."""
    found = exam.find(phase)
    if found is None or not found.sure:
        doubts = exam.questions or (f"no series is {phase.words}",)
        raise AmbiguousPhasesError(f"The {phase.words} phase is not clear: {'; '.join(doubts)}.", Action.NAME_SERIES)
    return found


def _named_note(phase: Phase, series: Series) -> str:
    note = f"The {phase.words} phase is {series.title}, as named"
    return f"{note}, though it is {series.why_not_volume}." if series.is_derived_volume else f"{note}."


def _note(phase: Phase, found: SeriesPhase) -> str:
    note = f"The {phase.words} phase is {found.series.title}, {found.probability:.0%} sure"
    others = ", ".join(series.title for series in found.reconstructions)
    return f"{note}; the same acquisition is also in {others}." if others else f"{note}."


def has_grid(series: Series, volume: sitk.Image) -> bool:
    """Tells whether a series has the grid of a volume, in whatever order the axes of the volume are stored."""
    if series.stack is None:
        return False
    grid = sitk.Image(series.stack.size, sitk.sitkUInt8)
    grid.SetSpacing(series.stack.spacing)
    grid.SetOrigin(series.stack.origin)
    grid.SetDirection(series.stack.direction)
    return sorted(series.stack.size) == sorted(volume.GetSize()) and np.allclose(
        _corners(grid), _corners(volume), atol=_SAME_GRID_MM
    )


def _corners(image: sitk.Image) -> NDArray[np.float64]:
    """Returns the lowest and the highest corner of the image's bounding box, LPS mm."""
    indices = product(*((0, size - 1) for size in image.GetSize()))
    points = np.array([image.TransformIndexToPhysicalPoint(index) for index in indices])
    return np.stack([points.min(axis=0), points.max(axis=0)])
