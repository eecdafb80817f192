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
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.methods.method import Case, Method
from NephroSynthLib.methods.registry import restore_method
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.device import resolve_device
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.restore import restore_outside_window

FINEST: Spacing = (0.6, 0.6, 0.8)
COARSEST: Spacing = (1.6, 1.6, 5.0)
FEATHER_MM = 10.0


@dataclass(frozen=True)
class Synthesis:
    """A synthesized nephrographic phase.

    Attributes:
        image: HU, float32, on the non-contrast phase's grid. Inside `region` it comes from the model. Outside, and
            beyond the field of view of the excretory phase, it is the kinetic baseline.
        uncertainty: Standard deviation over the samples in HU on that grid, 0 where the image does not come from the
            model; None for one sample.
        region: The box of voxels that the model synthesized.
        model: Name and sha256.
    """

    image: sitk.Image
    uncertainty: sitk.Image | None
    region: Box
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
    region = box_around(mask, noncontrast.GetSpacing(), settings.margin_mm)
    before, after = (on_working_grid(region.crop(image)) for image in (noncontrast, excretory))
    hu = sitk.GetArrayFromImage(before)
    case = Case(hu, sitk.GetArrayFromImage(after), before.GetSpacing(), settings.excretory_delay_s)
    samples = _samples(method, case, settings, seed, progress.part(0.05, 0.95))
    sampled = _like(before, restore_outside_window(samples.mean(axis=0), hu, method.window_hu))
    seen = sitk.GetArrayFromImage(region.crop(excretory)) > AIR_HU
    image = _into_baseline(kinetic_baseline(noncontrast, excretory), sampled, region, seen)
    uncertainty = None
    if settings.samples > 1:
        inside = region.crop(noncontrast)
        deviation = sitk.GetArrayFromImage(resample(_like(before, samples.std(axis=0, ddof=1)), inside, outside=0.0))
        nowhere = _like(noncontrast, np.zeros(mask.shape, np.float32))
        uncertainty = _paste(nowhere, _like(inside, deviation * seen), region)
    progress.update(1.0, "Nephrographic phase synthesized")
    return Synthesis(image, uncertainty, region, (bundle.metadata.name, bundle.sha256))


def _samples(
    method: Method, case: Case, settings: SynthesisSettings, seed: int, progress: Progress
) -> NDArray[np.float32]:
    """Returns the samples of a case in HU, (sample, z, y, x), from consecutive seeds."""
    parts = [
        progress.part(index / settings.samples, (index + 1) / settings.samples) for index in range(settings.samples)
    ]
    return np.stack([method.translate(case, settings, seed + index, part) for index, part in enumerate(parts)])


def on_working_grid(image: sitk.Image) -> sitk.Image:
    """Returns an image in patient axes, with voxels no finer or coarser than those that models are trained on."""
    patient = canonical(sitk.Cast(image, sitk.sitkFloat32))
    native = patient.GetSpacing()
    x, y, z = (min(max(n, low), high) for n, low, high in zip(native, FINEST, COARSEST, strict=True))
    spacing = (x, y, z)
    if np.allclose(spacing, native, atol=1e-4):
        return patient
    return resample(smooth_for(patient, spacing), with_spacing(patient, spacing))


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
