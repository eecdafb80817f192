"""Training on the kidney region of exams after real registration: cases, crops, the measure of synthesis methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib import options
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.grids import box_around, resample
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, WIDTH_HU
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.methods.method import Case, Contrast, Example, Method, Sample, Trainable, TrainableMethod
from NephroSynthLib.models.bundle import Task
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress
from NephroSynthLib.registration import register
from NephroSynthLib.settings import RegistrationSettings, SynthesisSettings
from NephroSynthLib.simulation.simulated_exam import simulate
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING, on_working_grid
from NephroSynthLib.training.crops import Warp, choose_centre, correlated_noise, crop
from NephroSynthLib.training.loop import DrawSample
from NephroSynthLib.training.pool import ANATOMY, CasePool, PreparedCase
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.recontrast import compartment_hu, measured_contrast, other_contrast, shares

MARGIN_MM = options.MARGIN.default
RECONTRASTED = 0.85
MEASUREMENT_ERROR = 0.05
FARTHEST = 0.75 * 1.15 * (np.cos(np.deg2rad(15)) + np.sin(np.deg2rad(15)))
"""Distance of a corner of a shifted and warped crop from its centre, in sizes of the crop."""
ARRAYS = ("nephrographic",)
"""Names of which each case holds at least one."""


def recipe(method: TrainableMethod) -> Recipe:
    """Returns the recipe of a synthesis method.

    Args:
        method: The method with the weights that training starts from.
    """
    return recipe_of("synthesis", method, partial(evaluate_on, method))


def recipe_of(task: Task, model: Trainable, evaluate: Callable[[CasePool], dict[str, float]]) -> Recipe:
    """Returns the recipe of a model that learns from crops of these cases.

    Args:
        task: Its task.
        model: The model with the weights that training starts from.
        evaluate: Returns its figures over the cases of a pool.
    """
    return Recipe(
        task=task,
        method=model.name,
        title=model.title,
        configuration=model.configuration,
        window_hu=model.window_hu,
        normalization=model.normalization,
        network=model.network,
        arrays=ARRAYS,
        make_case=make_case,
        draw_from=partial(draw_from, size=model.crop, sample_of=model.sample_of),
        training_module=model.training_module,
        evaluate=evaluate,
    )


def make_case(seed: int, anatomies: AnatomyFolder | None = None) -> PreparedCase:
    """Returns the kidney region of a simulated exam: both phases after registration, and the true nephrographic phase.

    The registration is that of the pipeline, with kidneys as imperfect as a segmenter's, so that the model learns from
    real registration errors.

    Args:
        seed: Seed of the exam.
        anatomies: Real patients, of which the seed may choose one; the patient is drawn when None.
    """
    exam = simulate(seed, anatomy=anatomies.choose(seed) if anatomies else None)
    rng = np.random.default_rng((seed, 4))
    noncontrast, excretory = exam.phases["noncontrast"], exam.phases["excretory"]
    fixed, moving = to_image(noncontrast.hu, noncontrast.grid), to_image(excretory.hu, excretory.grid)
    masks, moved_masks = (
        to_image(_imperfect(phase.kidneys, phase.grid.spacing, rng), phase.grid) for phase in (noncontrast, excretory)
    )
    registration = register(fixed, moving, masks, moved_masks, RegistrationSettings())
    region = box_around(exam.kidneys > 0, noncontrast.grid.spacing, MARGIN_MM)

    def working(image: sitk.Image) -> NDArray[np.float32]:
        return sitk.GetArrayFromImage(on_working_grid(region.crop(image)))

    def of_reference(array: NDArray[np.float32]) -> NDArray[np.float32]:
        return working(to_image(array, noncontrast.grid))

    before = on_working_grid(region.crop(fixed))
    kidneys = resample(to_image(exam.kidneys, noncontrast.grid), before, label=True)
    moved = (
        resample(to_image(share, excretory.grid), fixed, registration.transform, outside=0.0)
        for share in shares(excretory.labels, excretory.grid.spacing)
    )
    parts = (
        as_bytes([of_reference(share) for share in shares(exam.labels, noncontrast.grid.spacing)]),
        as_bytes([working(share) for share in moved]),
    )
    hu = sitk.GetArrayFromImage(before)
    phases = of_reference(exam.nephrographic_truth), working(registration.registered)
    nominal = compartment_hu(exam.kinetics)
    contrast = measured_contrast(nominal, [phase - hu for phase in phases], parts)
    return synthesis_case(hu, phases[1], phases[0], sitk.GetArrayFromImage(kidneys), contrast) | {
        "nephrographic_shares": parts[0],
        "excretory_shares": parts[1],
        "nominal_contrast": nominal,
        "parenchyma_ml": np.asarray(exam.kinetics.parenchyma_ml),
        ANATOMY: np.asarray(anatomies.name(seed) if anatomies else ""),
    }


def as_bytes(shares: Sequence[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Returns shares from 0 to 1, (z, y, x) each, as whole 255ths, (compartment, z, y, x)."""
    return np.stack([np.rint(255 * share.clip(0, 1)) for share in shares]).astype(np.uint8)


def synthesis_case(
    noncontrast: NDArray[np.float32],
    excretory: NDArray[np.float32],
    nephrographic: NDArray[np.float32],
    kidneys: NDArray[np.uint8],
    contrast: NDArray[np.float64],
) -> PreparedCase:
    """Returns aligned phases as a case.

    Args:
        noncontrast: HU, (z, y, x) on a grid of `WORKING_SPACING`, as the other phases and the kidneys.
        excretory: HU.
        nephrographic: HU.
        kidneys: Labels.
        contrast: Enhancement in HU of the nephrographic and the excretory phase, (phase, compartment).
    """
    return {
        "noncontrast": np.rint(noncontrast).clip(-1024, 3071).astype(np.int16),
        "excretory": np.rint(excretory).clip(-1024, 3071).astype(np.int16),
        "nephrographic": nephrographic.clip(-1024, 3071).astype(np.float16),
        "kidneys": kidneys.astype(np.uint8),
        "contrast": contrast,
    }


def _imperfect(
    kidneys: NDArray[np.uint8], spacing: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Returns kidneys grown or shrunk by up to 1.5 mm with a wavy border."""
    result = np.zeros_like(kidneys)
    steps = spacing[::-1]
    for side in SIDES.values():
        mask = kidneys == side
        if not mask.any():
            continue
        part = box_around(mask, spacing, 8.0).slices
        inside = mask[part]
        distance = ndimage.distance_transform_edt(inside, steps) - ndimage.distance_transform_edt(~inside, steps)
        waves = ndimage.gaussian_filter(rng.standard_normal(inside.shape), [6 / step for step in steps])
        waves *= rng.uniform(0.3, 1.2) / max(float(waves.std()), 1e-6)
        result[part][distance > waves + rng.uniform(-1, 1)] = side
    return result


def draw_from(pool: CasePool, *, size: Size, sample_of: Callable[[Example], Sample]) -> DrawSample:
    """Returns a function that draws augmented samples from a pool, which may still grow, in any process.

    Args:
        pool: The cases.
        size: Size of a crop (z, y, x) in voxels.
        sample_of: Makes the network's arrays of a crop.
    """
    return partial(_draw, pool, size, sample_of)


def _draw(pool: CasePool, size: Size, sample_of: Callable[[Example], Sample], rng: np.random.Generator) -> Sample:
    return sample_of(_example(pool.load(rng.choice(np.array(pool.ready()))), size, rng))


def _example(case: PreparedCase, size: Size, rng: np.random.Generator) -> Example:
    """Returns an augmented crop of a case."""
    centre = choose_centre(case["kidneys"] > 0, rng, inside=0.8)
    reach = [round(FARTHEST * n) + 1 for n in size]
    around = tuple(slice(max(0, c - r), c + r + 1) for c, r in zip(centre, reach, strict=True))
    z, y, x = (c - part.start for c, part in zip(centre, around, strict=True))
    excretory, nephrographic, contrast = _enhanced(case, around, rng)
    volumes = np.stack([case["noncontrast"][around], excretory, nephrographic, case["kidneys"][around]])
    warp = Warp.random(rng, zoom=0.15, degrees=15) if rng.random() < 0.5 else Warp(mirrored=bool(rng.integers(2)))
    fill = (-1024.0, -1024.0, -1024.0, 0.0)
    before, after, target, kidneys = crop(volumes.astype(np.float32), (z, y, x), size, rng, warp, fill)
    before, after, target = _vary(before, after, target, rng)
    return Example(Case(before, after, WORKING_SPACING, contrast), target, kidneys)


def _enhanced(
    case: PreparedCase, around: tuple[slice, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], Contrast]:
    """Returns the excretory and the nephrographic phase of a part of a case, and the contrast of the exam.

    Most draws of a simulated case get the contrast of another injection. The excretory contrast varies as if it were
    measured in the images.
    """
    excretory, nephrographic = (case[name][around].astype(np.float32) for name in ("excretory", "nephrographic"))
    contrast = case["contrast"].copy()
    if "nominal_contrast" in case and rng.random() < RECONTRASTED:
        change = other_contrast(float(case["parenchyma_ml"]), rng) - case["nominal_contrast"]
        contrast += change
        inside = (slice(None), *around)
        nephrographic += np.tensordot((change[0] / 255).astype(np.float32), case["nephrographic_shares"][inside], 1)
        excretory += np.tensordot((change[1] / 255).astype(np.float32), case["excretory_shares"][inside], 1)
    measured = contrast[1] * np.exp(MEASUREMENT_ERROR * rng.standard_normal(len(contrast[1])))
    return excretory, nephrographic, Contrast(measured, contrast[0])


def _vary(
    before: NDArray[np.float32], after: NDArray[np.float32], target: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Varies the calibration of all phases together, and adds noise to each input."""
    if rng.random() < 0.5:
        offset = rng.normal(0, 8)
        before, after, target = before + offset, after + offset, target + offset
    if rng.random() < 0.4:
        before = before + correlated_noise(before.shape, rng, rng.uniform(0, 20))
        after = after + correlated_noise(after.shape, rng, rng.uniform(0, 20))
    return before, after, target


def evaluate_on(method: Method, pool: CasePool) -> dict[str, float]:
    """Returns mean figures over the pool's cases for the model, the kinetic baseline and the excretory phase.

    The model is told the true contrast of each exam, so that its figures show its images and not the estimate.

    Returns:
        For each of these: PSNR in dB in the window 400/50 over the kidney region, the mean absolute error in HU inside
        the kidneys, and the offset, the mean error there; all against the true nephrographic phase.
    """
    figures: dict[str, list[float]] = {}
    settings = SynthesisSettings()
    for path in pool.ready():
        case = pool.load(path)
        before, after, truth = (case[name].astype(np.float32) for name in ("noncontrast", "excretory", "nephrographic"))
        images = [sitk.GetImageFromArray(hu) for hu in (before, after)]
        for image in images:
            image.SetSpacing(WORKING_SPACING)
        known = Case(before, after, WORKING_SPACING, Contrast(case["contrast"][1], case["contrast"][0]))
        candidates = {
            "model": method.translate(known, settings, 0, Progress()),
            "baseline": sitk.GetArrayFromImage(kinetic_baseline(*images)),
            "excretory": after,
        }
        clip = (LOWER_HU, UPPER_HU)
        for name, hu in candidates.items():
            error = np.clip(hu, *clip) - np.clip(truth, *clip)
            inside = error[case["kidneys"] > 0]
            figures.setdefault(f"{name}_psnr_db", []).append(psnr_db(float(np.mean(error**2)), WIDTH_HU))
            figures.setdefault(f"{name}_kidney_mae_hu", []).append(float(np.abs(inside).mean()))
            figures.setdefault(f"{name}_kidney_offset_hu", []).append(float(inside.mean()))
    return {name: round(float(np.mean(values)), 2) for name, values in figures.items()}
