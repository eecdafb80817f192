"""From an exam of one's own cohort to a case that training draws from.

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

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.errors import InputError
from NephroSynthLib.exam.exam import Exam, read_exam
from NephroSynthLib.exam.kidney_labels import as_kidneys
from NephroSynthLib.exam.kits_layout import IMAGE, KITS_LABELS, is_kits_case, kits_files, with_masses
from NephroSynthLib.exam.volume import read_volume
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
from NephroSynthLib.training.pool import PreparedCase
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


def cohort_case(task: Task, exam: Path, settings: Settings, progress: Progress) -> PreparedCase:
    """Makes the case of an exam.

    Args:
        task: The task of the model to train.
        exam: The folder of the exam.
        settings: Device, seed and models that find kidneys.
        progress: Receives the progress; may cancel.

    Raises:
        InputError: Files are missing or cannot be used.
        QualityGateError: The phases could not be aligned.
        ModelError: The segmenter cannot be used.
        ResourceError: Memory or the device do not suffice.
    """
    make = _synthesis if task == "synthesis" else _segmentation
    return make(dict(contents(exam)), settings, progress)


def contents(exam: Path) -> Iterator[tuple[str, Path]]:
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
