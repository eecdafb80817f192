"""The segmentation stage: a Swin diffusion model samples the occupancy of the kidneys on 3 mm voxels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.diffusion.denoiser import Denoiser, Prediction
from NephroSynthLib.diffusion.samplers import DDIM
from NephroSynthLib.diffusion.tiling import Tiling, denoise_tiled, with_fitting_tile
from NephroSynthLib.imaging.grids import canonical, resample
from NephroSynthLib.imaging.sides import LEFT, RIGHT, SIDE_NAMES, SIDES
from NephroSynthLib.models.bundle import check_task, load_bundle
from NephroSynthLib.models.device import autocast, in_words, resolve_device
from NephroSynthLib.models.swin_diffusion import restore_denoiser
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.kidney_pair import choose_kidneys, remarks
from NephroSynthLib.segmentation.outline import refined_outline
from NephroSynthLib.segmentation.pieces import FOUND
from NephroSynthLib.segmentation.plausibility import kidney_weight
from NephroSynthLib.segmentation.preprocessing import SPACING, condition_channels, working_image
from NephroSynthLib.segmentation.total_segmentator import (
    TOTALSEGMENTATOR,
    check_installed,
    kidneys_of_total_segmentator,
    version,
)
from NephroSynthLib.settings import SegmentationSettings

TILE_VOXELS = 3_000_000
SMALLEST_TILE = (48, 64, 64)
OVERLAP = (12, 16, 16)
PLAUSIBLE_ML = (30.0, 600.0)
LEAST_ISTHMUS_MM2 = 100.0
HORSESHOE = (
    "The kidneys are joined across the midline, as a horseshoe kidney is. It was cut at the midline, and its halves "
    "count as right and left."
)


@dataclass(frozen=True)
class Segmentation:
    """Kidneys of one CT.

    Attributes:
        labels: uint8 on the CT's grid: 0, 1 right, 2 left.
        volumes_ml: Volume of each kidney that was found, by side.
        warnings: Doubts that the user should weigh, as sentences.
        model: Name and SHA-256 of the model, or `given` and an empty string.
        notes: Information about the choice of the kidneys, as sentences.
        evidence: Logarithm of the odds that each found piece is a kidney, by side; none where the user gave them.
    """

    labels: sitk.Image
    volumes_ml: dict[str, float]
    warnings: tuple[str, ...]
    model: tuple[str, str]
    notes: tuple[str, ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def horseshoe(self) -> bool:
        """Whether the kidneys are joined, as both halves of a horseshoe kidney are: they share at least 1 cm²."""
        return touching_mm2(self.labels) >= LEAST_ISTHMUS_MM2


def segment_kidneys(
    image: sitk.Image,
    settings: SegmentationSettings,
    *,
    device: str = "auto",
    seed: int = 0,
    progress: Progress = Progress(),
) -> Segmentation:
    """Finds the kidneys in a CT of any phase.

    Args:
        image: HU on any grid and in any orientation.
        settings: Model and denoising steps.
        device: Where the network runs.
        seed: Seed of the sampler's noise.
        progress: Receives each denoising step.

    Raises:
        ModelError: If the model is unknown, damaged or of another task.
        ResourceError: If the device is not there, or has too little memory even for small tiles.

    Example:
        >>> segment_kidneys(exam.noncontrast, SegmentationSettings()).volumes_ml
        {'right': 152.3, 'left': 160.8}
    """
    if settings.model == TOTALSEGMENTATOR:
        return _by_total_segmentator(image, device, progress)
    progress.update(0.0, "Loading the segmentation model")
    bundle = load_bundle(settings.model, task="segmentation")
    where = resolve_device(device)
    work = working_image(image)
    hu = sitk.GetArrayFromImage(work)
    probability = kidney_probability(hu, restore_denoiser(bundle, where), settings.steps, seed, progress.part(0.1, 0.9))
    choice = choose_kidneys(probability, hu, SPACING[0])
    labels = _on_grid_of(image, work, probability, choice.labels)
    volumes = volumes_ml(labels)
    doubts, notes = remarks(choice)
    progress.update(1.0, "Kidneys found")
    return Segmentation(
        labels,
        volumes,
        (*_absent(volumes), *doubts, *label_warnings(labels)),
        (bundle.metadata.name, bundle.sha256),
        notes,
        {SIDE_NAMES[label]: kidney_weight(kidney) for label, kidney in choice.kidneys.items()},
    )


def check_segmenter(model: str) -> None:
    """Checks that a segmenter can be used, before any work is done for it.

    Args:
        model: The name of a bundled model, the path of a bundle, or `totalsegmentator`.

    Raises:
        ModelError: If it is unknown, unreadable, of another task, or not installed.
    """
    check_installed() if model == TOTALSEGMENTATOR else check_task(model, "segmentation")


def _by_total_segmentator(image: sitk.Image, device: str, progress: Progress) -> Segmentation:
    progress.update(0.0, "Finding the kidneys with TotalSegmentator")
    labels = kidneys_of_total_segmentator(image, device)
    progress.update(1.0, "Kidneys found")
    volumes = volumes_ml(labels)
    return Segmentation(labels, volumes, (*_absent(volumes), *label_warnings(labels)), (version(), ""))


def _absent(volumes: dict[str, float]) -> tuple[str, ...]:
    missing = [side for side in SIDES if side not in volumes]
    return (f"No {' and no '.join(missing)} kidney was found.",) if missing else ()


def kidney_probability(
    hu: NDArray[np.floating], denoiser: Denoiser, steps: int, seed: int, progress: Progress = Progress()
) -> NDArray[np.floating]:
    """Samples the occupancy of the kidneys, as the mean over the CT and its mirror image.

    Args:
        hu: CT (z, y, x) on the grid of the segmenter.
        denoiser: The network.
        steps: Denoising steps.
        seed: Seed of the sampler's noise.
        progress: Receives each denoising step.

    Returns:
        Occupancy (z, y, x) in [0, 1].
    """
    direct = _sample(hu, denoiser, steps, seed, progress.part(0.0, 0.5))
    mirrored = _sample(hu[..., ::-1].copy(), denoiser, steps, seed, progress.part(0.5, 1.0))
    return (direct + mirrored[..., ::-1]) / 2


def _sample(
    hu: NDArray[np.floating], denoiser: Denoiser, steps: int, seed: int, progress: Progress
) -> NDArray[np.float32]:
    device = next(denoiser.parameters()).device
    condition = torch.from_numpy(condition_channels(hu))[None]
    depth, height, width = hu.shape
    shape = depth, height, width
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((1, 1, *shape), generator=generator).to(device)
    fresh = generator.get_state()
    message = f"Finding the kidneys ({in_words(device)})"

    def denoise_tile(noisy: torch.Tensor, timestep: torch.Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        return denoiser(noisy, timestep, condition[(slice(None), slice(None), *part)].to(device))

    def sample(tile: Size) -> torch.Tensor:
        tiling = Tiling(shape, tile, OVERLAP)

        def denoise(noisy: torch.Tensor, timestep: float) -> Prediction:
            return denoise_tiled(denoise_tile, noisy, timestep, tiling)

        with torch.inference_mode(), autocast(device):
            generator.set_state(fresh)
            return DDIM(denoiser.process).sample(
                denoise, noise, steps, generator, on_step=lambda done: progress.update(done, message)
            )

    found = with_fitting_tile(sample, shape, TILE_VOXELS, SMALLEST_TILE, device)
    return ((found[0, 0].float().clamp(-1, 1) + 1) / 2).cpu().numpy()


def volumes_ml(labels: sitk.Image) -> dict[str, float]:
    """Measures the volume in ml of each kidney in a label map (1 right, 2 left), by side; absent ones have no entry."""
    array = sitk.GetArrayViewFromImage(labels)
    voxel_ml = float(np.prod(labels.GetSpacing())) / 1000
    counts = {side: int((array == label).sum()) for side, label in SIDES.items()}
    return {side: round(count * voxel_ml, 1) for side, count in counts.items() if count}


def label_warnings(labels: sitk.Image) -> tuple[str, ...]:
    """Returns a warning for each kidney of implausible volume, and one for a horseshoe kidney.

    Healthy kidneys of adults have 100 to 250 ml. Below 30 ml and above 600 ml, an error is more likely than a shrunken,
    an obstructed or a polycystic kidney.

    Args:
        labels: Label map: 1 right, 2 left.
    """
    smallest, largest = PLAUSIBLE_ML
    doubts = tuple(
        f"The {side} kidney has {volume:.0f} ml, which is {'little' if volume < smallest else 'much'} for a kidney: "
        "check its outline."
        for side, volume in volumes_ml(labels).items()
        if not smallest <= volume <= largest
    )
    return (*doubts, HORSESHOE) if touching_mm2(labels) >= LEAST_ISTHMUS_MM2 else doubts


def touching_mm2(labels: sitk.Image) -> float:
    """Returns the area in which the right and the left kidney of a label map touch."""
    array = sitk.GetArrayViewFromImage(labels)
    area = 0.0
    for axis, spacing in enumerate(reversed(labels.GetSpacing())):
        before, after = np.moveaxis(array, axis, 0)[:-1], np.moveaxis(array, axis, 0)[1:]
        faces = np.count_nonzero((before == RIGHT) & (after == LEFT)) + np.count_nonzero(
            (before == LEFT) & (after == RIGHT)
        )
        area += faces * float(np.prod(labels.GetSpacing())) / spacing
    return area


def _on_grid_of(
    image: sitk.Image, work: sitk.Image, probability: NDArray[np.floating], sides: NDArray[np.uint8]
) -> sitk.Image:
    """Brings each kidney to the grid of the image, where the HU refine its outline."""
    grid = canonical(image)
    labels = np.zeros(grid.GetSize()[::-1], np.uint8)
    for label in np.unique(sides[sides > 0]):
        border = (sides == 0) & (probability <= FOUND)
        reach = (sides == label) | (ndimage.binary_dilation(sides == label, iterations=2) & border)
        near = sitk.GetImageFromArray(np.where(reach, probability, 0).astype(np.float32))
        near.CopyInformation(work)
        box = _box_on(grid, work, reach)
        part = _part(grid, box)
        fine = sitk.GetArrayFromImage(resample(near, part, outside=0.0))
        x, y, z = part.GetSpacing()
        kidney = refined_outline(fine, sitk.GetArrayViewFromImage(part), (z, y, x))
        inside = labels[box]
        inside[kidney & (inside == 0)] = label
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(grid)
    return resample(result, image, label=True)


def _box_on(grid: sitk.Image, work: sitk.Image, mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Returns the slices (z, y, x) of a grid that cover a mask on the working grid, which has the same axes."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    sizes = zip(box, reversed(work.GetSpacing()), reversed(grid.GetSpacing()), reversed(grid.GetSize()), strict=True)
    return tuple(
        slice(max(0, int((part.start - 1) * coarse / fine)), min(size, int((part.stop + 1) * coarse / fine) + 1))
        for part, coarse, fine, size in sizes
    )


def _part(image: sitk.Image, box: tuple[slice, ...]) -> sitk.Image:
    """Returns the part of an image in a box of slices (z, y, x)."""
    start, stop = [part.start for part in reversed(box)], [part.stop for part in reversed(box)]
    return sitk.RegionOfInterest(image, [b - a for a, b in zip(start, stop, strict=True)], start)
