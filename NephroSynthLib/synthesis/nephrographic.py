"""The synthesis stage: crops to the kidneys, calls a method, restores HU, and blends into the kinetic baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError, NoKidneyError
from NephroSynthLib.imaging.grids import (
    AIR_HU,
    Box,
    Spacing,
    box_around,
    canonical,
    resample,
    same_grid,
    smooth_for,
    with_spacing,
)
from NephroSynthLib.kinetics.posterior import Estimate
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.methods.method import Case, Method
from NephroSynthLib.methods.registry import restore_method
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.device import resolve_device
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.enhancement_estimate import EnhancementEstimate, estimate_enhancement
from NephroSynthLib.synthesis.exam_contrast import likely_contrast, spread_contrasts
from NephroSynthLib.synthesis.restore import restore_outside_window
from NephroSynthLib.synthesis.sample_deviation import pooled_deviation

WORKING_SPACING: Spacing = (1.0, 1.0, 2.0)
"""The voxel size (x, y, z) in mm on which methods work, whatever that of the exam, so that HU do not depend on it."""
FEATHER_MM = 10.0


@dataclass(frozen=True)
class Synthesis:
    """A synthesized nephrographic phase.

    Attributes:
        image: HU, float32, on the non-contrast phase's grid. Inside `region` it comes from the model. Outside, and
            beyond the field of view of the excretory phase, it is the kinetic baseline.
        uncertainty: Standard deviation in HU on that grid by the spread of the samples, 0 where the image does not come
            from the model; None for one sample.
        region: The box of voxels that the model synthesized.
        enhancement: The estimated nephrographic enhancement of the exam.
        model: Name and sha256.
    """

    image: sitk.Image
    uncertainty: sitk.Image | None
    region: Box
    enhancement: EnhancementEstimate
    model: tuple[str, str]


def synthesize(
    noncontrast: sitk.Image,
    excretory: sitk.Image,
    kidneys: sitk.Image,
    settings: SynthesisSettings,
    *,
    device: str = "auto",
    seed: int = 0,
    progress: Progress = Progress(),
) -> Synthesis:
    """Synthesizes the nephrographic phase in a region around the kidneys.

    Args:
        noncontrast: HU, any grid.
        excretory: HU, registered, on the same grid.
        kidneys: Label map on the same grid, kidneys above 0.
        settings: Model, sampler, steps, samples and margin.
        device: Where the network runs.
        seed: Seed of the noise; the same seed on the same device gives the same voxels.
        progress: Told after each denoising step.

    Returns:
        The synthetic phase on the grid of the non-contrast phase.

    Raises:
        GeometryError: The three images are not on one grid.
        NoKidneyError: The label map is empty.
        ModelError: The model is unknown, damaged, of another task or takes other inputs.
        ResourceError: The device is not there or has too little memory for the smallest tile.

    Example:
        >>> result = synthesize(noncontrast, registered, labels, SynthesisSettings(samples=4), seed=1)
        >>> sitk.WriteImage(result.image, "synthetic_nephrographic.nii.gz")
    """
    if not (same_grid(noncontrast, excretory) and same_grid(noncontrast, kidneys)):
        raise GeometryError("The phases and the kidneys must be on one grid.", Action.REGISTER_FIRST)
    mask = sitk.GetArrayViewFromImage(kidneys) > 0
    if not mask.any():
        raise NoKidneyError("No kidney lies in the region to synthesize.", Action.COVER_KIDNEYS)
    progress.update(0.0, "Loading the synthesis model")
    bundle = load_bundle(settings.model, task="synthesis")
    method = restore_method(bundle, resolve_device(device))
    enhancement = estimate_enhancement(noncontrast, excretory, kidneys, settings)
    region = box_around(mask, noncontrast.GetSpacing(), settings.margin_mm)
    before, after = (on_working_grid(region.crop(image)) for image in (noncontrast, excretory))
    hu = sitk.GetArrayFromImage(before)
    phases = hu, sitk.GetArrayFromImage(after)
    mean, samples = _sampled(method, phases, enhancement.estimate, settings, seed, progress.part(0.05, 0.95))
    sampled = _like(before, restore_outside_window(mean, hu, method.window_hu))
    seen = sitk.GetArrayFromImage(region.crop(excretory)) > AIR_HU
    image = _into_baseline(kinetic_baseline(noncontrast, excretory), sampled, region, seen)
    uncertainty = None
    if settings.samples > 1:
        inside = region.crop(noncontrast)
        pooled = _like(before, pooled_deviation(samples, WORKING_SPACING))
        deviation = sitk.GetArrayFromImage(resample(pooled, inside, outside=0.0))
        nowhere = _like(noncontrast, np.zeros(mask.shape, np.float32))
        uncertainty = _paste(nowhere, _like(inside, deviation * seen), region)
    progress.update(1.0, "Nephrographic phase synthesized")
    return Synthesis(image, uncertainty, region, enhancement, (bundle.metadata.name, bundle.sha256))


def _sampled(
    method: Method,
    phases: tuple[NDArray[np.float32], NDArray[np.float32]],
    enhancement: Estimate,
    settings: SynthesisSettings,
    seed: int,
    progress: Progress,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the mean in HU, (z, y, x), and the samples, (sample, z, y, x), each with noise and contrast of its own.

    A single sample has the most likely contrast. The mean of several is that of the samples, or the answer of one step,
    which has no noise of a few samples, from a method that gives it.
    """
    drawing, *seeds = (
        int(one.generate_state(1)[0]) for one in np.random.SeedSequence(seed).spawn(settings.samples + 1)
    )
    likely = likely_contrast(enhancement)
    if settings.samples == 1:
        image = method.translate(Case(*phases, WORKING_SPACING, likely), settings, seeds[0], progress)
        return image, image[None]
    contrasts = spread_contrasts(enhancement, settings.samples, np.random.default_rng(drawing))
    samples = []
    for index, (contrast, own) in enumerate(zip(contrasts, seeds, strict=True)):
        part = progress.part(index / settings.samples, (index + 1) / settings.samples)
        samples.append(method.translate(Case(*phases, WORKING_SPACING, contrast), settings, own, part))
    drawn = np.stack(samples)
    if not method.mean_in_one_step:
        return drawn.mean(axis=0), drawn
    single = settings.model_copy(update={"samples": 1, "steps": 1})
    return method.translate(Case(*phases, WORKING_SPACING, likely), single, seeds[0], Progress()), drawn


def on_working_grid(image: sitk.Image) -> sitk.Image:
    """Returns an image in patient axes on voxels of `WORKING_SPACING`, low-pass filtered where they are coarser."""
    patient = canonical(sitk.Cast(image, sitk.sitkFloat32))
    return resample(smooth_for(patient, WORKING_SPACING), with_spacing(patient, WORKING_SPACING))


def _into_baseline(baseline: sitk.Image, sampled: sitk.Image, region: Box, seen: NDArray[np.bool_]) -> sitk.Image:
    """Returns the kinetic baseline with the sampled region feathered into it.

    Voxels of the region that the excretory phase has not `seen` (z, y, x) keep the baseline, because a model could
    only invent them.
    """
    outside = region.crop(baseline)
    filled = resample(sampled, outside, outside=np.nan)
    hu, floor = sitk.GetArrayFromImage(filled), sitk.GetArrayFromImage(outside)
    known = np.isfinite(hu) & seen
    weight = _feather(region, baseline)
    mixed = np.where(known, weight * np.nan_to_num(hu) + (1 - weight) * floor, floor)
    return _paste(baseline, _like(outside, mixed), region)


def _feather(region: Box, image: sitk.Image) -> NDArray[np.float32]:
    """Returns weights (z, y, x): 1 in the box, falling to 0 over `FEATHER_MM` towards its faces inside the image."""
    weight = np.ones((), np.float32)
    axes = zip(region.start, region.size, image.GetSize(), image.GetSpacing(), strict=True)
    for start, n, length, step in reversed(list(axes)):
        position = np.arange(n, dtype=np.float32) * step
        lower = position if start > 0 else np.full(n, np.inf)
        upper = position[::-1] if start + n < length else np.full(n, np.inf)
        weight = weight[..., None] * np.clip(np.minimum(lower, upper) / FEATHER_MM, 0, 1)
    return weight.astype(np.float32)


def _like(image: sitk.Image, array: NDArray[np.floating]) -> sitk.Image:
    result = sitk.GetImageFromArray(array.astype(np.float32))
    result.CopyInformation(image)
    return result


def _paste(image: sitk.Image, part: sitk.Image, region: Box) -> sitk.Image:
    return sitk.Paste(image, part, region.size, destinationIndex=region.start)
