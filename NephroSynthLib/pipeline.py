"""The whole job on one exam: prepare, synthesize, judge.

1. Prepare (`NephroSynthLib.preparation`): segment the kidneys of the non-contrast and the excretory phase, and register
   the excretory phase to the non-contrast one: the whole abdomen, then each kidney, then the
   tissue around the kidneys.
2. Synthesize (`NephroSynthLib.synthesis`): a diffusion model turns the two aligned phases into the nephrographic phase,
   in a region around the kidneys.
3. Judge, if the nephrographic phase was acquired too: register it likewise, compare both phases voxel by voxel, and
   compare the kidneys that a segmenter finds in them.

`run` needs no files: it takes an `Exam` (`NephroSynthLib.exam`) and returns a `Result`, which the jobs
(`NephroSynthLib.jobs`) read from and write to disk. Each stage's result carries its own warnings; `Result.warnings`
chains them.
"""

from __future__ import annotations

import platform

import psutil
import SimpleITK as sitk

from NephroSynthLib.evaluation import evaluate
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.models.bundle import check_task
from NephroSynthLib.preparation import Clock, align_acquired, prepare_exam, segment
from NephroSynthLib.progress import Progress
from NephroSynthLib.registration import Landmarks
from NephroSynthLib.result import Acquired, Result, versions
from NephroSynthLib.segmentation.segmenter import Segmentation, check_segmenter
from NephroSynthLib.settings import Settings
from NephroSynthLib.synthesis.nephrographic import synthesize


def run(
    exam: Exam,
    settings: Settings,
    progress: Progress = Progress(),
    *,
    landmarks: Landmarks | None = None,
    initial: sitk.Transform | None = None,
) -> Result:
    """Synthesizes the nephrographic phase of an exam.

    Args:
        exam: The phases; the non-contrast phase's grid is the reference.
        settings: The settings of every stage.
        progress: Receives the progress of each stage; may cancel.
        landmarks: Corresponding points of the two phases, each in the frame of its file.
        initial: The transform from which the registration starts, between the frames of the files.

    Raises:
        NoKidneyError: If no kidney is found in the non-contrast phase.
        QualityGateError: If the registration misses its gate and `settings.strict` is on.
        ModelError: If a model cannot be used.
        ResourceError: If memory or the device do not suffice.
        Cancelled: If the run was cancelled.

    Example:
        >>> result = run(read_exam(noncontrast, excretory), Settings(seed=7))  # doctest: +SKIP
        >>> result.synthesis.image.GetSize() == result.exam.noncontrast.GetSize()  # doctest: +SKIP
        True
    """
    check_segmenter(settings.segmentation.model)
    check_task(settings.synthesis.model, "synthesis")
    clock = Clock()
    prepared = prepare_exam(
        exam,
        settings,
        progress.stage("segment"),
        progress.stage("register"),
        landmarks=landmarks,
        initial=initial,
        clock=clock,
    )
    exam, settings, kidneys = prepared.exam, prepared.settings, prepared.segmentation
    with clock.stage("synthesize"):
        synthesis = synthesize(
            exam.noncontrast,
            prepared.registration.registered,
            kidneys.labels,
            settings.synthesis,
            device=settings.device,
            seed=settings.seed,
            progress=progress.stage("synthesize"),
        )
    with clock.stage("judge"):
        registered = prepared.registration.registered
        acquired = judge(exam, synthesis.image, registered, kidneys, settings, progress.stage("judge"))
    return Result(
        exam=exam,
        segmentation=kidneys,
        excretory_segmentation=prepared.excretory_segmentation,
        registration=prepared.registration,
        synthesis=synthesis,
        acquired=acquired,
        settings=settings,
        timings_s=clock.seconds,
        peak_memory_mb=peak_memory_mb(),
        versions=versions(),
    )


def judge(
    exam: Exam,
    synthetic: sitk.Image,
    excretory: sitk.Image,
    kidneys: Segmentation,
    settings: Settings,
    progress: Progress,
) -> Acquired | None:
    """Compares the synthetic phase with the acquired one, if the exam has it.

    The kidneys are segmented in both, and their overlap tells whether the synthetic phase serves a segmenter as the
    acquired one does (arXiv 2308.09345). The excretory phase and the kinetic baseline are compared likewise, because a
    model is of use only where it is nearer to the acquired phase.

    Args:
        exam: The phases.
        synthetic: The synthetic nephrographic phase in HU, on the grid of the non-contrast phase.
        excretory: The excretory phase on that grid.
        kidneys: The kidneys of the non-contrast phase.
        settings: Segmentation, registration, device and seed.
        progress: Receives the progress; may cancel.

    Returns:
        The acquired phase on the grid of the synthetic one, and the comparison; None if the exam has none.
    """
    if exam.nephrographic is None:
        return None
    registration, acquired_kidneys = align_acquired(exam, exam.nephrographic, kidneys, settings, progress.part(0, 0.7))
    metrics = evaluate(
        synthetic,
        registration.registered,
        kidneys.labels,
        synthetic_kidneys=segment(synthetic, settings, progress.part(0.7, 0.9)).labels,
        acquired_kidneys=resample(acquired_kidneys.labels, synthetic, registration.transform, label=True),
    )
    without_model = {
        "excretory phase": excretory,
        "kinetic baseline": kinetic_baseline(exam.noncontrast, excretory),
    }
    references = {
        name: evaluate(image, registration.registered, kidneys.labels, brief=True)
        for name, image in without_model.items()
    }
    progress.update(1.0, "Compared with the acquired phase")
    return Acquired(registration, metrics, references)


def peak_memory_mb() -> float:
    """Returns the largest resident memory of this process so far, in MiB."""
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        return float(memory.peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)
