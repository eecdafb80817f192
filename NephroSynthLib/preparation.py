"""Preparing an exam: the kidneys of its phases, and the excretory phase on the grid of the non-contrast one.

A run and the preparation of training cases both begin with these steps, so that a model learns from exams that were
prepared as a run prepares them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import SimpleITK as sitk

from NephroSynthLib.errors import Action, NoKidneyError, QualityGateError
from NephroSynthLib.exam.contrast import contrast_warnings, coverage_warnings, field_of_view_warnings
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.imaging.grids import along_stored_axes, resample, smooth_for, with_spacing
from NephroSynthLib.progress import Progress
from NephroSynthLib.registration import Landmarks, Registration, register
from NephroSynthLib.registration.initial_map import in_frame
from NephroSynthLib.segmentation.across_phases import without_contradictions
from NephroSynthLib.segmentation.segmenter import Segmentation, label_warnings, segment_kidneys, volumes_ml
from NephroSynthLib.settings import Settings

NO_DELAY = "No DICOM header tells how long after the injection the excretory phase is, so that counts as unknown."

NOT_IN_HEADER = {
    "weight_kg": "No DICOM header tells the weight of the patient, so that counts as unknown.",
    "iodine_g": "No DICOM header tells the dose of iodine, so that counts as unknown.",
}


@dataclass
class Clock:
    """Measures stages.

    Attributes:
        seconds: Wall-clock time of each stage that has ended.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures the block as a stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


@dataclass(frozen=True)
class PreparedExam:
    """An exam whose phases are aligned; each part carries its own warnings.

    Attributes:
        exam: The phases, with the reference grid at the wanted spacing.
        settings: The settings, with the delay, weight and dose that the DICOM header tells, where wanted.
        segmentation: The kidneys of the non-contrast phase, on its grid.
        excretory_segmentation: The kidneys of the excretory phase, on its own grid.
        registration: The excretory phase on the grid of the non-contrast phase.
    """

    exam: Exam
    settings: Settings
    segmentation: Segmentation
    excretory_segmentation: Segmentation
    registration: Registration


def prepare_exam(
    exam: Exam,
    settings: Settings,
    segmenting: Progress = Progress(),
    registering: Progress = Progress(),
    *,
    landmarks: Landmarks | None = None,
    initial: sitk.Transform | None = None,
    clock: Clock | None = None,
) -> PreparedExam:
    """Finds the kidneys of both phases and registers the excretory phase to the non-contrast one.

    Args:
        exam: The phases; the non-contrast phase's grid is the reference.
        settings: Spacing, segmentation, registration, device and seed; `strict` refuses a missed quality gate.
        segmenting: Receives the progress of the segmentation; may cancel.
        registering: Receives the progress of the registration; may cancel.
        landmarks: Corresponding points of the two phases, each in the frame of its file.
        initial: The transform from which the registration starts, between the frames of the files.
        clock: Measures the stages 'segment' and 'register'.

    Raises:
        NoKidneyError: If no kidney is found in the non-contrast phase.
        QualityGateError: If the registration misses its gate and `settings.strict` is on.
        ModelError: If the segmenter cannot be used.
        ResourceError: If memory or the device do not suffice.
        Cancelled: If the run was cancelled.

    Example:
        >>> prepared = prepare_exam(read_exam(noncontrast, excretory), Settings())  # doctest: +SKIP
        >>> prepared.registration.registered.GetSize() == prepared.exam.noncontrast.GetSize()  # doctest: +SKIP
        True
    """
    clock = clock or Clock()
    exam = at_spacing(exam, settings)
    settings, delay_warnings = with_delay(settings, exam)
    settings, patient_notes = with_patient(settings, exam)
    with clock.stage("segment"):
        kidneys, excretory_kidneys = find_kidneys(exam, settings, segmenting)
    doubts = contrast_warnings(exam.noncontrast, exam.excretory, kidneys.labels, excretory_kidneys.labels)
    exam = replace(exam, warnings=(*exam.warnings, *delay_warnings, *doubts), notes=(*exam.notes, *patient_notes))
    with clock.stage("register"):
        registration = register(
            exam.noncontrast,
            exam.excretory,
            kidneys.labels,
            excretory_kidneys.labels,
            settings.registration,
            landmarks=landmarks.in_frame(exam.excretory_placement) if landmarks else None,
            initial=in_frame(initial, exam.excretory_placement) if initial else None,
            progress=registering,
        ).to_frame(exam.excretory_placement)
        if settings.strict:
            check_gate(registration)
    uncovered = coverage_warnings(registration.registered, kidneys.labels)
    registration = replace(registration, warnings=(*registration.warnings, *uncovered, *registration.quality.failures))
    return PreparedExam(exam, settings, kidneys, excretory_kidneys, registration)


def at_spacing(exam: Exam, settings: Settings) -> Exam:
    """Returns the exam with its reference grid at the spacing of the settings; the same exam where they want none."""
    if settings.spacing is None:
        return exam
    wanted = along_stored_axes(exam.noncontrast, settings.spacing)
    x, y, z = (new or old for new, old in zip(wanted, exam.noncontrast.GetSpacing(), strict=True))
    spacing = (x, y, z)
    grid = with_spacing(exam.noncontrast, spacing)
    noncontrast = resample(smooth_for(exam.noncontrast, spacing), grid)
    kidneys = None if exam.kidneys is None else resample(exam.kidneys, grid, label=True)
    return replace(exam, noncontrast=noncontrast, kidneys=kidneys)


def with_delay(settings: Settings, exam: Exam) -> tuple[Settings, tuple[str, ...]]:
    """Takes the delay of the excretory phase from its DICOM header, where that is wanted and none is given.

    Returns:
        The settings with the delay, and a warning if the header does not tell it.
    """
    if settings.synthesis.excretory_delay_s is not None or not settings.delay_from_dicom:
        return settings, ()
    if exam.excretory_delay_s is None:
        return settings, (NO_DELAY,)
    synthesis = settings.synthesis.model_copy(update={"excretory_delay_s": exam.excretory_delay_s})
    return settings.model_copy(update={"synthesis": synthesis}), ()


def with_patient(settings: Settings, exam: Exam) -> tuple[Settings, tuple[str, ...]]:
    """Takes weight and iodine dose from the DICOM header, where that is wanted and they are not given.

    Returns:
        The settings with the numbers, and a note for each number that the header does not tell.
    """
    if not settings.patient_from_dicom:
        return settings, ()
    told = {"weight_kg": exam.weight_kg, "iodine_g": exam.iodine_g}
    wanted = {name: value for name, value in told.items() if getattr(settings.synthesis, name) is None}
    synthesis = settings.synthesis.model_copy(update=wanted)
    notes = tuple(NOT_IN_HEADER[name] for name, value in wanted.items() if value is None)
    return settings.model_copy(update={"synthesis": synthesis}), notes


def find_kidneys(exam: Exam, settings: Settings, progress: Progress) -> tuple[Segmentation, Segmentation]:
    """Segments the kidneys of the non-contrast phase, unless the exam has them, and those of the excretory phase.

    A kidney that the other phase contradicts is left out with a warning.

    Raises:
        NoKidneyError: If the non-contrast phase has none.
    """
    if exam.kidneys is not None:
        found = Segmentation(exam.kidneys, volumes_ml(exam.kidneys), label_warnings(exam.kidneys), ("given", ""))
    else:
        found = segment(exam.noncontrast, settings, progress.part(0, 0.5))
    if not found.volumes_ml:
        raise NoKidneyError("No kidney was found in the non-contrast phase.", Action.COVER_KIDNEYS)
    moving = segment(exam.excretory, settings, progress.part(0.5, 1))
    found, moving = without_contradictions(exam.noncontrast, found, exam.excretory, moving)
    warnings = (
        *(f"Excretory phase: {warning}" for warning in moving.warnings),
        *field_of_view_warnings(moving.labels, "excretory phase"),
    )
    found = replace(found, warnings=(*found.warnings, *field_of_view_warnings(found.labels)))
    notes = tuple(f"Excretory phase: {note}" for note in moving.notes)
    return found, replace(moving, warnings=warnings, notes=notes)


def segment(image: sitk.Image, settings: Settings, progress: Progress = Progress()) -> Segmentation:
    """Segments the kidneys of a CT with the model, device and seed of the settings."""
    return segment_kidneys(image, settings.segmentation, device=settings.device, seed=settings.seed, progress=progress)


def align_acquired(
    exam: Exam, acquired: sitk.Image, kidneys: Segmentation, settings: Settings, progress: Progress = Progress()
) -> tuple[Registration, Segmentation]:
    """Registers an acquired nephrographic phase to the non-contrast phase, as the excretory phase is registered.

    Returns:
        The registration, and the kidneys of the acquired phase on its own grid.
    """
    found = segment(acquired, settings, progress.part(0, 2 / 7))
    registration = register(
        exam.noncontrast,
        acquired,
        kidneys.labels,
        found.labels,
        settings.registration,
        progress=progress.part(2 / 7, 1),
    )
    return replace(registration, warnings=(*registration.warnings, *registration.quality.failures)), found


def check_gate(registration: Registration, phase: str = "excretory") -> None:
    """Refuses a registration that missed its quality gate.

    Raises:
        QualityGateError: If it did.
    """
    if not registration.quality.passed:
        failures = " ".join(registration.quality.failures)
        raise QualityGateError(f"The {phase} phase could not be aligned: {failures}", Action.CHECK_REGISTRATION)
