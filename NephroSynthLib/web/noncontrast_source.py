"""Where the non-contrast phase of an exam is read from, because its result does not hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from NephroSynthLib.cohort.exam_task import RESULTS
from NephroSynthLib.cohort.manifest import read_manifest
from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.run_exam import RunRequest, input_of
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings
from NephroSynthLib.web.viewed_exams import ViewedExam, is_within

if TYPE_CHECKING:
    import SimpleITK as sitk

_BESIDE = ("exam/noncontrast.nii.gz", "noncontrast.nii.gz", "noncontrast.nrrd")
"""Where `nephrosynth demo`, or a user, puts it in the folder of a result."""


def noncontrast_sources(
    exams: Sequence[ViewedExam], manifest: Path | None, noncontrast: Path | None
) -> Mapping[str, Callable[[], sitk.Image]]:
    """Returns functions that read the non-contrast phase, by the name of the exam.

    Args:
        exams: The exams.
        manifest: The manifest of their cohort, which names their phases.
        noncontrast: The non-contrast phase of the only exam.

    Raises:
        UsageError: If a phase is given for several exams, or the manifest is not valid.
        UnreadableInputError: If there is no such manifest.
    """
    if noncontrast is not None and len(exams) != 1:
        raise UsageError("One non-contrast phase is given for several exams.")
    found: dict[str, Callable[[], sitk.Image]] = {}
    for exam in exams:
        for name in _BESIDE:
            path = exam.folder / name if exam.folder else None
            if path is not None and path.is_file() and is_within(path, exam.folder or path):
                found[exam.name] = partial(_read, path)
                break
    if manifest is not None:
        listed = read_manifest(manifest, Settings(), manifest.parent / RESULTS)
        found |= {exam.name: partial(_read_of_run, exam.request) for exam in listed}
    if noncontrast is not None:
        found[exams[0].name] = partial(_read, noncontrast)
    return found


def _read(path: Path) -> sitk.Image:
    from NephroSynthLib.exam.volume import read_volume

    return read_volume(path, "non-contrast phase").image


def _read_of_run(request: RunRequest) -> sitk.Image:
    from NephroSynthLib.exam.volume import read_volume

    return read_volume(input_of(request, Progress()).noncontrast, "non-contrast phase").image
