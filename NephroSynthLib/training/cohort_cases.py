"""From a cohort of one's own to cases that training draws from.

A cohort is a folder with one folder for each exam. The names in that folder tell the phases and masks; each is a
NIfTI, NRRD or MetaImage file or a folder with one DICOM series:

    synthesis      noncontrast, excretory, nephrographic; kidneys (of the non-contrast phase) where they are known
    segmentation   one or more of: noncontrast with kidneys, corticomedullary with corticomedullary_kidneys,
                   nephrographic with nephrographic_kidneys, excretory with excretory_kidneys,
                   imaging with segmentation; a label map of more than kidneys names them, or numbers them as
                   TotalSegmentator does

The root of a KiTS data set (see `exam.kits_layout`) is such a cohort, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib import __version__
from NephroSynthLib.errors import Action, InputError, QualityGateError, UnreadableInputError
from NephroSynthLib.exam.exam import Exam, read_exam
from NephroSynthLib.exam.kidney_labels import as_kidneys
from NephroSynthLib.exam.kits_layout import IMAGE, KITS_LABELS, exam_folders, is_kits_case, kits_files, with_masses
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.imaging.grids import box_around, resample, same_grid
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.models.bundle import Task
from NephroSynthLib.preparation import align_acquired, check_gate, prepare_exam
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.preprocessing import occupancy, working_image
from NephroSynthLib.settings import Settings
from NephroSynthLib.synthesis.enhancement_estimate import estimate_enhancement
from NephroSynthLib.synthesis.exam_contrast import likely_contrast
from NephroSynthLib.synthesis.nephrographic import on_working_grid
from NephroSynthLib.synthesis.tissue_enhancement import tissue_enhancement
from NephroSynthLib.training import segmentation_cases, synthesis_cases
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool, PreparedCase, save_case
from NephroSynthLib.training.segmentation_cases import segmentation_case
from NephroSynthLib.training.synthesis_cases import MARGIN_MM, synthesis_case

MASKS: tuple[tuple[str, str, str], ...] = (
    ("noncontrast", "noncontrast", "kidneys"),
    ("corticomedullary", "corticomedullary", "corticomedullary_kidneys"),
    ("nephrographic", "nephrographic", "nephrographic_kidneys"),
    ("excretory", "excretory", "excretory_kidneys"),
    (IMAGE, "nephrographic", "segmentation"),
    (IMAGE, "corticomedullary", KITS_LABELS),
)
"""Name of an image, the phase that it trains the segmenter for, and the name of its mask.

Images of KiTS show the corticomedullary (late arterial) phase; some that KiTS23 added show the nephrographic one.
"""

Found = Mapping[str, Path]


REJECTED = "rejected.json"


@dataclass
class Prepared:
    """The outcome of preparing a cohort.

    Attributes:
        cases: Number of exams that training can draw from.
        held_out: Names of the exams that are kept for judging.
        skipped: The reason why an exam was left out, by the name of its folder.
    """

    cases: int = 0
    held_out: list[str] = field(default_factory=list)
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
        cohort: The folder of the cohort, or the root of a KiTS data set.
        out: Takes `cases` and `held-out`, as `nephrosynth train --out` expects them, and `rejected.json` with the
            reasons of exams that were left out. A digest of the exam's content numbers each file, so an exam that
            changes is prepared again, and one that is there twice counts once.
        held_out_share: Share of the exams to hold out, in [0, 1]. Exams that are held out stay so when a cohort grows.
        settings: Device, seed and models that find kidneys.
        progress: Told after each exam.

    Raises:
        UnreadableInputError: The cohort is no folder, or has no folder of an exam.
        UsageError: `out` holds cases of another task.
        ModelError: The segmenter cannot be used.
        ResourceError: Memory, disk or device do not suffice.
        Cancelled: The user cancelled; exams that are done stay.
    """
    if not cohort.exists():
        raise UnreadableInputError("The folder of the cohort does not exist.", Action.GIVE_COHORT)
    exams = exam_folders(cohort)
    if not exams:
        raise UnreadableInputError("The cohort has no exam.", Action.GIVE_COHORT)
    make: Callable[[Found, Settings, Progress], PreparedCase] = _synthesis if task == "synthesis" else _segmentation
    pools = {name: CasePool(out / name, _refuse) for name in ("cases", "held-out") if (out / name).exists()}
    for pool in pools.values():
        pool.check(synthesis_cases.ARRAYS if task == "synthesis" else segmentation_cases.ARRAYS, task)
    report, rejected, names = Prepared(), _Rejected(out / REJECTED, settings), dict[int, str]()
    try:
        for index, exam in enumerate(exams):
            part = progress.part(index / len(exams), (index + 1) / len(exams))
            number = _number(task, exam)
            if number in names:
                report.skipped[exam.name] = f"The exam is the same as {names[number]}."
            elif number in rejected.reasons:
                report.skipped[exam.name] = rejected.reasons[number]
            else:
                try:
                    if not any((out / folder / f"{number}.npz").exists() for folder in ("cases", "held-out")):
                        save_case(make(dict(_contents(exam)), settings, part), out / "cases" / f"{number}.npz")
                    names[number] = exam.name
                except (InputError, QualityGateError) as error:
                    report.skipped[exam.name] = error.what
                    rejected.add(number, error.what)
            part.update(1.0, f"prepared exam {index + 1} of {len(exams)}")
    finally:
        held_out = _hold_out(out, list(names), held_out_share)
    report.held_out = sorted(names[number] for number in held_out)
    report.cases = len(names) - len(held_out)
    return report


def _refuse(seed: int) -> PreparedCase:
    raise AssertionError(f"A cohort does not simulate exams, such as {seed}.")


def _number(task: Task, exam: Path) -> int:
    """Returns the number of an exam, a digest of the task and of the content of its files."""
    digest = hashlib.sha256(task.encode())
    for name, path in _contents(exam):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        parts = sorted(hashlib.sha256(file.read_bytes()).digest() for file in files)
        digest.update(f"\0{name}\0".encode() + b"".join(parts))
    return int.from_bytes(digest.digest()[:6], "big") % 900_000_000_000 + FIRST_OF_COHORT


def _hold_out(out: Path, numbers: Sequence[int], share: float) -> list[int]:
    """Moves prepared exams between `cases` and `held-out`, and returns the numbers of those that are held out.

    A share between 0 and 1 of at least two exams leaves one or more on each side. Exams that are held out already are
    chosen first, and the others in the order of their digests.
    """
    kept = {number for number in numbers if (out / "held-out" / f"{number}.npz").exists()}
    count = round(share * len(numbers))
    if 0 < share < 1:
        count = min(max(count, 1), len(numbers) - 1) if len(numbers) > 1 else 0
    chosen = sorted(numbers, key=lambda number: (number not in kept, number))[:count]
    for number in numbers:
        folder = out / ("held-out" if number in chosen else "cases")
        former = out / ("cases" if number in chosen else "held-out") / f"{number}.npz"
        if former.exists():
            folder.mkdir(parents=True, exist_ok=True)
            former.replace(folder / former.name)
    return chosen


class _Rejected:
    """The reasons of exams that were left out, on disk; they count while the settings stay the same.

    Attributes:
        reasons: The reason by the number of the exam.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = {"version": __version__, **settings.model_dump(mode="json", exclude={"device"})}
        self.reasons: dict[int, str] = {}
        if path.exists():
            with contextlib.suppress(ValueError, KeyError, AttributeError):  # a damaged file tells nothing
                found = json.loads(path.read_text(encoding="utf-8"))
                if found["settings"] == self._settings:
                    self.reasons = {int(number): str(reason) for number, reason in found["exams"].items()}

    def add(self, number: int, reason: str) -> None:
        """Records the reason of an exam."""
        self.reasons[number] = reason
        content = {"settings": self._settings, "exams": {str(key): text for key, text in self.reasons.items()}}
        with staged_file(self._path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _contents(exam: Path) -> Iterator[tuple[str, Path]]:
    """Yields the name without suffix and the path of each entry of an exam's folder.

    Of a KiTS case, only the image and the label map that is used count, not the single annotations.
    """
    if is_kits_case(exam):
        yield from kits_files(exam).items()
        return
    for path in sorted(exam.iterdir()):
        yield path.name.split(".")[0].lower(), path


def _segmentation(found: Found, settings: Settings, progress: Progress) -> PreparedCase:
    case: PreparedCase = {}
    for name, phase, mask_name in MASKS:
        if name not in found or mask_name not in found:
            continue
        image = read_volume(found[name], f"{name} image", progress).image
        given = read_image_file(found[mask_name], f"mask '{mask_name}'", layers=True)
        if not same_grid(image, given):
            raise InputError(f"The mask '{mask_name}' is not on the grid of the image '{name}'.")
        mask = as_kidneys(with_masses(given) if mask_name == KITS_LABELS else given, image)[0] > 0
        case |= segmentation_case(phase, working_image(image), occupancy(mask))
    if found.keys() == {IMAGE}:
        raise InputError("The exam has no segmentation, as the test cases of KiTS.")
    if found.keys() == {KITS_LABELS}:
        raise InputError("The exam has no image: the images of KiTS are downloaded apart from the segmentations.")
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
    contrast = _contrast(exam, prepared.registration.registered, target.registered, kidneys.labels, settings)
    return synthesis_case(
        sitk.GetArrayFromImage(noncontrast),
        sitk.GetArrayFromImage(excretory),
        sitk.GetArrayFromImage(nephrographic),
        sitk.GetArrayFromImage(resample(kidneys.labels, noncontrast, label=True)),
        contrast,
    )


def _contrast(
    exam: Exam, excretory: sitk.Image, nephrographic: sitk.Image, kidneys: sitk.Image, settings: Settings
) -> NDArray[np.float64]:
    """Returns the enhancement in HU of the nephrographic and the excretory phase, (phase, compartment).

    It is measured where the images show a tissue; the kinetic model fills in the others. Both parts of the parenchyma
    get its median.
    """
    fitted = likely_contrast(estimate_enhancement(exam.noncontrast, excretory, kidneys, settings.synthesis).estimate)
    contrast = np.stack([fitted.nephrographic, fitted.excretory])
    for phase, image in enumerate((nephrographic, excretory)):
        found = tissue_enhancement(exam.noncontrast, image, kidneys)
        for tissue, compartments in {"kidney": ("cortex", "medulla"), "blood": ("blood", "veins")}.items():
            value = getattr(found, tissue)
            if value is not None:
                contrast[phase, [COMPARTMENTS.index(name) for name in compartments]] = value
    return contrast
