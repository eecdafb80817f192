"""The registration of two phases: three stages, each of which starts at the map of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.files.decimals import beside
from NephroSynthLib.imaging.grids import AIR_HU, canonical
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.options import LandmarkUse, RegistrationMode
from NephroSynthLib.progress import Progress
from NephroSynthLib.registration.affine import register_affine
from NephroSynthLib.registration.dense_stage import refine
from NephroSynthLib.registration.fusion import FusedMap, fuse
from NephroSynthLib.registration.geometry import FloatArray, affine_transform, translation
from NephroSynthLib.registration.initial_map import InitialMap
from NephroSynthLib.registration.kidney_stage import KidneyMotion, mask_points, register_kidney
from NephroSynthLib.registration.landmarks import Landmarks
from NephroSynthLib.registration.quality import LEAST_OVERLAP, Judge, LandmarkErrors, RegistrationQuality
from NephroSynthLib.registration.stage_choice import EVIDENT_SSIM, Candidate, choose
from NephroSynthLib.settings import RegistrationSettings


@dataclass(frozen=True)
class Registration:
    """The moving phase on the fixed phase's grid.

    Attributes:
        transform: Carries points of the fixed frame to the moving frame, LPS mm, as `sitk.Resample` takes it.
        registered: The moving phase on the fixed grid, float32 HU, -1024 outside; interpolated once.
        mode: The stage that was kept.
        quality: Figures of the registration.
        warnings: Doubts that the user should weigh, as sentences.
        notes: Information about how the registration went, as sentences.
    """

    transform: sitk.Transform
    registered: sitk.Image
    mode: RegistrationMode
    quality: RegistrationQuality
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_frame(self, placement: FloatArray | None) -> Registration:
        """Returns the registration with its transform carried on to another frame of the moving phase.

        Args:
            placement: 4x4 map of moving points to the other frame, LPS mm; None for the same frame.
        """
        if placement is None:
            return self
        transform = sitk.CompositeTransform([affine_transform(placement), self.transform])
        transform.FlattenTransform()
        return replace(self, transform=transform)


@dataclass(frozen=True)
class _Phases:
    """Both phases, and the mask of each known kidney in each of them by side."""

    fixed: sitk.Image
    moving: sitk.Image
    fixed_masks: Mapping[str, sitk.Image]
    moving_masks: Mapping[str, sitk.Image]


def register(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_kidneys: sitk.Image | None,
    moving_kidneys: sitk.Image | None,
    settings: RegistrationSettings,
    *,
    landmarks: Landmarks | None = None,
    initial: sitk.Transform | None = None,
    progress: Progress = Progress(),
) -> Registration:
    """Registers the moving phase to the fixed phase.

    Args:
        fixed: Non-contrast phase, HU, any orientation.
        moving: Excretory phase, HU, on its own grid.
        fixed_kidneys: Label map of `fixed`, 1 right and 2 left; None if not known.
        moving_kidneys: Label map of `moving`; None if not known.
        settings: `mode` names the last stage to run. A stage that makes the phases less alike is left out, which a
            warning states.
        landmarks: Corresponding points. The map fitted to them starts stage 1 or replaces it, and is the result of
            mode 'none'. A thin-plate map replaces stage 2, too.
        initial: Carries fixed points to moving points, LPS mm. The registration starts there, and not at the landmarks.
            A kidney that it moves on its own starts at its motion in stage 2.
        progress: Receives how far the registration got, and raises if the run was cancelled.

    Raises:
        Cancelled: If the run was cancelled.

    Example:
        >>> registration = register(noncontrast, excretory, kidneys_nc, kidneys_ep, RegistrationSettings())
        >>> registration.quality.passed
        True
    """
    warnings: list[str] = []
    like = fixed
    fixed, moving = canonical(fixed), canonical(moving)
    fixed_masks, moving_masks = _masks(fixed_kidneys), _masks(moving_kidneys)
    phases = _Phases(fixed, moving, fixed_masks, moving_masks)
    progress.update(0.0, "Measuring the phases as acquired")
    judge = Judge(fixed, moving, fixed_masks, moving_masks)
    start = fuse(np.eye(4), (), ()) if landmarks is None else landmarks.map()
    placed: Mapping[str, FloatArray] = {}
    notes: tuple[str, ...] = ()
    if initial is not None:
        by_hand = InitialMap.of(initial, fixed, fixed_masks)
        start, placed, notes = by_hand.map, by_hand.motions, (by_hand.note,)
    candidates = [_candidate("none", start, judge)]
    fused, affine = start, start.affine
    if settings.mode != "none" and not (landmarks and landmarks.replaces):
        progress.update(0.05, "Affine map of the abdomen")
        affine = _stage_one(phases, affine, judge, warnings)
        fused = fuse(affine, (), ())
        candidates.append(_candidate("affine", fused, judge))
    if settings.mode in ("two-stage", "dense") and not fixed_masks:
        warnings.append("No kidney is known in the non-contrast phase, so only the affine stage was run.")
    elif settings.mode in ("two-stage", "dense"):
        held: list[sitk.Image] = []
        if not (landmarks and landmarks.kind == "thin-plate"):
            motions = _stage_two(phases, affine, placed, progress.part(0.3, 0.55))
            warnings += [
                f"The {side} kidney stays with the affine map: {motion.rejected}."
                for side, motion in motions.items()
                if motion.rejected
            ]
            fused = fuse(affine, [motion.matrix for motion in motions.values()], list(fixed_masks.values()))
            held = [mask for side, mask in fixed_masks.items() if not motions[side].rejected]
        if held:
            candidates.append(_candidate("two-stage", fused, judge))
        if settings.mode == "dense":
            refined = refine(fixed, moving, list(fixed_masks.values()), held, fused, progress.part(0.55, 0.85))
            candidates.append(_candidate("dense", refined, judge))
    choice = choose(candidates)
    best = choice.best
    progress.update(0.85, "Resampling the excretory phase")
    registered = sitk.Resample(moving, like, best.map.transform, sitk.sitkLinear, AIR_HU, sitk.sitkFloat32)
    progress.update(0.95, "Judging the registration")
    quality = _quality(judge, candidates, best, settings.ssim_gate)
    if landmarks is not None:
        quality = replace(quality, landmarks=_landmark_errors(landmarks, settings.landmark_use, best.map))
    progress.update(1.0, "Registered")
    return Registration(
        best.map.transform, registered, best.mode, quality, (*warnings, *choice.warnings), (*notes, *choice.notes)
    )


def _masks(kidneys: sitk.Image | None) -> dict[str, sitk.Image]:
    """Returns the mask of each kidney of a label map by side, cropped to the kidney."""
    if kidneys is None:
        return {}
    labels = sitk.Cast(canonical(kidneys), sitk.sitkUInt16)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labels)
    masks = {}
    for side, label in SIDES.items():
        if label in shapes.GetLabels():
            x, y, z, *size = shapes.GetBoundingBox(label)
            masks[side] = sitk.RegionOfInterest(labels, size, (x, y, z)) == label
    return masks


def _candidate(mode: RegistrationMode, fused: FusedMap, judge: Judge) -> Candidate:
    shifts = judge.shifts(fused.transform).values()
    return Candidate(mode, fused, judge.ssim(fused.transform), max((shift.norm for shift in shifts), default=0.0))


def _starts(phases: _Phases, base: FloatArray) -> list[FloatArray]:
    """Returns the starts of stage 1: the given map, and the mean shift of the kidneys known in both phases."""
    shifts = [
        mask_points(phases.moving_masks[side]).mean(axis=0) - mask_points(mask).mean(axis=0)
        for side, mask in phases.fixed_masks.items()
        if side in phases.moving_masks
    ]
    return [base, translation(np.mean(shifts, axis=0))] if shifts else [base]


def _stage_one(phases: _Phases, start: FloatArray, judge: Judge, warnings: list[str]) -> FloatArray:
    """Returns the affine map, or the start if the affine map makes the phases less alike."""
    try:
        affine = register_affine(phases.fixed, phases.moving, _starts(phases, start))
    except RuntimeError:
        warnings.append("The affine stage failed, so it left the phases where they were.")
        return start
    loss = judge.ssim(fuse(start, (), ()).transform) - judge.ssim(fuse(affine, (), ()).transform)
    if loss > EVIDENT_SSIM:
        warnings.append("The affine stage made the phases less alike, so it was left out.")
    return start if loss > 0 else affine


def _stage_two(
    phases: _Phases, affine: FloatArray, placed: Mapping[str, FloatArray], progress: Progress
) -> dict[str, KidneyMotion]:
    """Returns the motion of each kidney by side; a rejected one is the affine map."""
    motions = {}
    for number, (side, mask) in enumerate(phases.fixed_masks.items()):
        progress.update(number / len(phases.fixed_masks), f"Rigid motion of the {side} kidney")
        known = phases.moving_masks.get(side)
        motions[side] = register_kidney(phases.fixed, phases.moving, mask, known, affine, placed.get(side))
    return motions


def overlap_in_words(side: str, before: float, after: float) -> str:
    """Returns the overlap of a kidney after and before the registration as a sentence."""
    now, needed = beside(after, LEAST_OVERLAP)
    overlap = f"The {side} kidney overlaps by {now} (Dice), before by {before:.2f}"
    if after >= LEAST_OVERLAP:
        return f"{overlap}."
    return f"{overlap}. The gate asks for {needed}: the phases show different things there."


def _landmark_errors(landmarks: Landmarks, use: LandmarkUse, found: FusedMap) -> LandmarkErrors:
    fit, held_out = landmarks.errors(landmarks.map().transform), landmarks.held_out_errors()
    registered = landmarks.errors(found.transform)
    return LandmarkErrors(
        len(landmarks.fixed),
        use,
        float(fit.mean()),
        float(fit.max()),
        None if held_out is None else float(held_out.mean()),
        None if held_out is None else float(held_out.max()),
        float(registered.mean()),
        float(registered.max()),
    )


def _quality(judge: Judge, candidates: list[Candidate], best: Candidate, gate: float) -> RegistrationQuality:
    as_acquired = sitk.Transform(3, sitk.sitkIdentity)
    before, after = judge.dice(as_acquired), judge.dice(best.map.transform)
    similar = best.ssim >= gate
    folding = "nothing folds" if best.map.min_jacobian > 0 else "the field folds"
    ssim, needed = beside(best.ssim, gate)
    reasons = [
        f"SSIM around the kidneys is {ssim}, {'' if similar else 'not '}enough for the gate of {needed}.",
        *(overlap_in_words(side, before[side], after[side]) for side in after),
        f"The least Jacobian determinant is {best.map.min_jacobian:.2f}, so {folding}.",
    ]
    return RegistrationQuality(
        ssim_before=judge.ssim(as_acquired),
        ssim_affine=next((candidate.ssim for candidate in candidates if candidate.mode == "affine"), None),
        ssim_after=best.ssim,
        gate=gate,
        passed=similar and all(overlap >= LEAST_OVERLAP for overlap in after.values()),
        kidney_dice_before=before,
        kidney_dice_after=after,
        kidney_shift_mm=judge.shifts(best.map.transform),
        min_jacobian=best.map.min_jacobian,
        reasons=tuple(reasons),
    )
