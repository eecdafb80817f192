"""The whole job in five calls: segment, register, synthesize, judge; and what they need from each other."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata

import psutil
import SimpleITK as sitk

from NephroSynthLib import __version__
from NephroSynthLib.errors import Action, NoKidneyError, QualityGateError
from NephroSynthLib.evaluation import evaluate
from NephroSynthLib.exam.contrast import contrast_warnings, coverage_warnings, field_of_view_warnings
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.imaging.grids import along_stored_axes, resample, smooth_for, with_spacing
from NephroSynthLib.progress import Progress, Stage
from NephroSynthLib.registration import Landmarks, Registration, register
from NephroSynthLib.result import Acquired, Result
from NephroSynthLib.segmentation.segmenter import Segmentation, segment_kidneys, volume_warnings, volumes_ml
from NephroSynthLib.settings import RegistrationSettings, Settings
from NephroSynthLib.synthesis.nephrographic import synthesize


def run(
    exam: Exam, settings: Settings, progress: Progress = Progress(), *, landmarks: Landmarks | None = None
) -> Result:
    """Synthesizes the nephrographic phase of an exam.

    Args:
        exam: the phases; the non-contrast phase's grid is the reference.
        settings: of every stage.
        progress: told about each stage; may cancel.
        landmarks: corresponding points of the two phases, from which the registration starts.

    Raises:
        NoKidneyError: If no kidney is found in the non-contrast phase.
        QualityGateError: If the registration misses its gate and `settings.strict` is on.
        ModelError: If a model cannot be used.
        ResourceError: If memory or the device do not suffice.
        Cancelled: If the run was cancelled.
    """
    exam, settings = at_spacing(exam, settings), with_delay(settings, exam)
    clock = _Clock()
    with clock.stage("segment"):
        kidneys, excretory_kidneys = find_kidneys(exam, settings, progress.stage("segment"))
    with clock.stage("register"):
        registration = register(
            exam.noncontrast,
            exam.excretory,
            kidneys.labels,
            excretory_kidneys.labels,
            settings.registration,
            landmarks=landmarks,
            progress=progress.stage("register"),
        )
        check_gate(registration, settings)
    with clock.stage("synthesize"):
        synthesis = synthesize(
            exam.noncontrast,
            registration.registered,
            kidneys.labels,
            settings.synthesis,
            device=settings.device,
            seed=settings.seed,
            progress=progress.stage("synthesize"),
        )
    with clock.stage("judge"):
        acquired = judge(exam, synthesis.image, kidneys, settings, progress.stage("judge"))
    warnings = (
        *exam.warnings,
        *kidneys.warnings,
        *field_of_view_warnings(kidneys.labels),
        *(f"Excretory phase: {warning}" for warning in excretory_kidneys.warnings),
        *field_of_view_warnings(excretory_kidneys.labels, "excretory phase"),
        *delay_warnings(settings),
        *contrast_warnings(exam.noncontrast, exam.excretory, kidneys.labels, excretory_kidneys.labels),
        *registration.warnings,
        *coverage_warnings(registration.registered, kidneys.labels),
        *registration.quality.failures,
        *(_doubts(acquired.registration) if acquired is not None else ()),
    )
    return Result(
        exam,
        kidneys,
        excretory_kidneys,
        registration,
        synthesis,
        acquired,
        settings,
        clock.seconds,
        peak_memory_mb(),
        versions(),
        tuple(dict.fromkeys(warnings)),
    )


def _doubts(registration: Registration) -> list[str]:
    """What to know of the acquired phase before believing a comparison with it."""
    doubts = (*registration.warnings, *registration.quality.failures)
    return [f"Acquired nephrographic phase: {text}" for text in doubts]


def at_spacing(exam: Exam, settings: Settings) -> Exam:
    """The exam with its reference grid at the wanted spacing."""
    if settings.spacing is None:
        return exam
    wanted = along_stored_axes(exam.noncontrast, settings.spacing)
    x, y, z = (new or old for new, old in zip(wanted, exam.noncontrast.GetSpacing(), strict=True))
    spacing = (x, y, z)
    grid = with_spacing(exam.noncontrast, spacing)
    noncontrast = resample(smooth_for(exam.noncontrast, spacing), grid)
    kidneys = None if exam.kidneys is None else resample(exam.kidneys, grid, label=True)
    return replace(exam, noncontrast=noncontrast, kidneys=kidneys)


def with_delay(settings: Settings, exam: Exam) -> Settings:
    """The settings with the excretory phase's delay from its DICOM header, where that is wanted and none is given."""
    if settings.synthesis.excretory_delay_s is not None or not settings.delay_from_dicom:
        return settings
    told = settings.synthesis.model_copy(update={"excretory_delay_s": exam.excretory_delay_s})
    return settings.model_copy(update={"synthesis": told})


def delay_warnings(settings: Settings) -> tuple[str, ...]:
    """Tells that the delay of the excretory phase was to come from DICOM and did not."""
    if not settings.delay_from_dicom or settings.synthesis.excretory_delay_s is not None:
        return ()
    return ("No DICOM header tells how long after the injection the excretory phase is, so that counts as unknown.",)


def find_kidneys(exam: Exam, settings: Settings, progress: Progress) -> tuple[Segmentation, Segmentation]:
    """The kidneys of the non-contrast phase, which the user may have given, and those of the excretory phase.

    Raises:
        NoKidneyError: If the non-contrast phase has none.
    """
    chosen = settings.segmentation
    if exam.kidneys is not None:
        volumes = volumes_ml(exam.kidneys)
        found = Segmentation(exam.kidneys, volumes, volume_warnings(volumes), ("given", ""))
    else:
        found = segment_kidneys(
            exam.noncontrast, chosen, device=settings.device, seed=settings.seed, progress=progress.part(0, 0.5)
        )
    if not found.volumes_ml:
        raise NoKidneyError(
            "No kidney was found in the non-contrast phase.",
            Action.COVER_KIDNEYS,
        )
    moving = segment_kidneys(
        exam.excretory, chosen, device=settings.device, seed=settings.seed, progress=progress.part(0.5, 1)
    )
    return found, moving


def check_gate(registration: Registration, settings: Settings) -> None:
    """Refuses to go on from a registration that missed its gate, under `strict`.

    Raises:
        QualityGateError: If it did.
    """
    if settings.strict and not registration.quality.passed:
        raise QualityGateError(" ".join(registration.quality.failures), Action.CHECK_REGISTRATION)


def judge(
    exam: Exam, synthetic: sitk.Image, kidneys: Segmentation, settings: Settings, progress: Progress
) -> Acquired | None:
    """Brings the acquired nephrographic phase, if there is one, onto the synthetic one and compares the two.

    The kidneys are also segmented in both, and their overlap tells whether the synthetic phase serves a segmenter as
    the acquired one does (arXiv 2308.09345).
    """
    if exam.nephrographic is None:
        return None

    def segment(image: sitk.Image, start: float, stop: float) -> sitk.Image:
        part = progress.part(start, stop)
        found = segment_kidneys(image, settings.segmentation, device=settings.device, seed=settings.seed, progress=part)
        return found.labels

    acquired_kidneys = segment(exam.nephrographic, 0, 0.2)
    registration = register(
        exam.noncontrast,
        exam.nephrographic,
        kidneys.labels,
        acquired_kidneys,
        RegistrationSettings(mode=settings.registration.mode),
        progress=progress.part(0.2, 0.7),
    )
    metrics = evaluate(
        synthetic,
        registration.registered,
        kidneys.labels,
        synthetic_kidneys=segment(synthetic, 0.7, 0.9),
        acquired_kidneys=resample(acquired_kidneys, synthetic, registration.transform, label=True),
    )
    progress.update(1.0, "Compared with the acquired phase")
    return Acquired(registration, metrics)


def versions() -> dict[str, str]:
    """Versions of what computes a result."""
    libraries = ("torch", "antspyx", "SimpleITK", "monai", "numpy")
    return {
        "NephroSynth": __version__,
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in libraries},
    }


def peak_memory_mb() -> float:
    """The largest resident memory of this process so far, in MiB."""
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        return float(memory.peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
