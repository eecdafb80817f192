"""From a cohort of one's own to cases that training draws from.

A cohort is a folder with one folder for each exam. The names in that folder tell the phases and masks; each is a
NIfTI, NRRD or MetaImage file or a folder with one DICOM series:

    synthesis      noncontrast, excretory, nephrographic; kidneys (of the non-contrast phase) where they are known
    segmentation   one or more of: noncontrast with kidneys, nephrographic with nephrographic_kidneys,
                   excretory with excretory_kidneys, imaging with segmentation (as in KiTS); a label map of more than
                   kidneys names them, or numbers them as TotalSegmentator does
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, InputError, QualityGateError, UnreadableInputError
from NephroSynthLib.exam.exam import read_exam
from NephroSynthLib.exam.kidney_labels import as_kidneys
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.grids import box_around, resample, same_grid
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.models.bundle import Task
from NephroSynthLib.preparation import align_acquired, check_gate, prepare_exam
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.preprocessing import occupancy, working_image
from NephroSynthLib.settings import Settings
from NephroSynthLib.synthesis.nephrographic import on_working_grid
from NephroSynthLib.training.pool import FIRST_OF_COHORT, PreparedCase, save_case
from NephroSynthLib.training.segmentation_cases import segmentation_case
from NephroSynthLib.training.synthesis_cases import MARGIN_MM, synthesis_case

MASKS: Mapping[str, tuple[str, str]] = {
    "noncontrast": ("noncontrast", "kidneys"),
    "nephrographic": ("nephrographic", "nephrographic_kidneys"),
    "excretory": ("excretory", "excretory_kidneys"),
    "imaging": ("nephrographic", "segmentation"),
}
"""The phase that an image trains the segmenter for, and the name of its mask."""

Found = Mapping[str, Path]


@dataclass
class Prepared:
    """The outcome of preparing a cohort.

    Attributes:
        cases: Number of exams that training can draw from.
        held_out: Number of exams that are kept for judging.
        skipped: The reason why an exam was left out, by the name of its folder.
    """

    cases: int = 0
    held_out: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def prepare_cohort(
    task: Task,
    cohort: Path,
    out: Path,
    *,
    held_out_share: float = 0.1,
    settings: Settings,
    progress: Progress = Progress(),
) -> Prepared:
    """Prepares the exams of a cohort that are not prepared yet. An exam that cannot be prepared is skipped.

    Args:
        task: The task of the model to train.
        cohort: The folder of the cohort.
        out: Takes `cases` and `held-out`, as `nephrosynth train --out` expects them. A digest of the exam's folder name
            numbers each file, so the held-out exams stay the same when a cohort grows. Under another share, prepared
            exams move between the two folders.
        held_out_share: Share of the exams to hold out, in [0, 1].
        settings: Device, seed and models that find kidneys.
        progress: Told after each exam.

    Raises:
        UnreadableInputError: The cohort is no folder, or has no folder of an exam.
        ModelError: The segmenter cannot be used.
        ResourceError: Memory, disk or device do not suffice.
        Cancelled: The user cancelled; exams that are done stay.
    """
    exams = [folder for folder in sorted(cohort.iterdir()) if folder.is_dir()] if cohort.is_dir() else []
    if not exams:
        raise UnreadableInputError("The cohort has no exam.", Action.GIVE_COHORT)
    make: Callable[[Found, Settings, Progress], PreparedCase] = _synthesis if task == "synthesis" else _segmentation
    report = Prepared()
    for index, exam in enumerate(exams):
        part = progress.part(index / len(exams), (index + 1) / len(exams))
        number = int.from_bytes(hashlib.sha256(exam.name.encode()).digest()[:4], "big") % 900_000_000 + FIRST_OF_COHORT
        held_out = number % 1000 < held_out_share * 1000
        folders = (out / "held-out", out / "cases") if held_out else (out / "cases", out / "held-out")
        target, former = (folder / f"{number}.npz" for folder in folders)
        try:
            if former.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                former.replace(target)
            if not target.exists():
                save_case(make(dict(_contents(exam)), settings, part), target)
        except (InputError, QualityGateError) as error:
            report.skipped[exam.name] = error.what
            continue
        report.cases, report.held_out = report.cases + (not held_out), report.held_out + held_out
        part.update(1.0, f"prepared exam {index + 1} of {len(exams)}")
    return report


def _contents(exam: Path) -> Iterator[tuple[str, Path]]:
    """Yields the name without suffix and the path of each entry of an exam's folder."""
    for path in sorted(exam.iterdir()):
        yield path.name.split(".")[0].lower(), path


def _segmentation(found: Found, settings: Settings, progress: Progress) -> PreparedCase:
    case: PreparedCase = {}
    for name, (phase, mask_name) in MASKS.items():
        if name not in found or mask_name not in found:
            continue
        image = read_volume(found[name], f"{name} image", progress).image
        given = read_image_file(found[mask_name], f"mask '{mask_name}'", layers=True)
        if not same_grid(image, given):
            raise InputError(f"The mask '{mask_name}' is not on the grid of the image '{name}'.")
        mask = as_kidneys(given, image)[0] > 0
        case |= segmentation_case(phase, working_image(image), occupancy(mask))
    if not case:
        raise InputError(f"The exam has no image with a mask: {', '.join(found) or 'nothing'}.")
    return case


def _synthesis(found: Found, settings: Settings, progress: Progress) -> PreparedCase:
    missing = [name for name in ("noncontrast", "excretory", "nephrographic") if name not in found]
    if missing:
        raise InputError(f"The exam has no {' and no '.join(missing)} phase.")
    phases = found["noncontrast"], found["excretory"], found["nephrographic"]
    exam = read_exam(*phases, found.get("kidneys"), progress.part(0.0, 0.2))
    assert exam.nephrographic is not None
    prepared = prepare_exam(
        exam, settings.model_copy(update={"strict": True}), progress.part(0.2, 0.5), progress.part(0.5, 0.7)
    )
    kidneys, excretory = prepared.segmentation, prepared.registration.registered
    target, _ = align_acquired(exam, exam.nephrographic, kidneys, settings, progress.part(0.7, 1.0))
    check_gate(target, "nephrographic")
    region = box_around(sitk.GetArrayViewFromImage(kidneys.labels) > 0, exam.noncontrast.GetSpacing(), MARGIN_MM)
    noncontrast, excretory, nephrographic = (
        on_working_grid(region.crop(image)) for image in (exam.noncontrast, excretory, target.registered)
    )
    return synthesis_case(
        sitk.GetArrayFromImage(noncontrast),
        sitk.GetArrayFromImage(excretory),
        sitk.GetArrayFromImage(nephrographic),
        sitk.GetArrayFromImage(resample(kidneys.labels, noncontrast, label=True)),
        noncontrast.GetSpacing(),
    ) | ({} if exam.excretory_delay_s is None else {"excretory_delay_s": np.asarray(exam.excretory_delay_s)})
