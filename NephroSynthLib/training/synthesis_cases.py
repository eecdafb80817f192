"""Training of the nephrographic synthesizer, on simulated exams after real registration."""

from __future__ import annotations

from functools import partial

import numpy as np
import SimpleITK as sitk
from pydantic import JsonValue
from scipy import ndimage

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.grids import box_around, resample
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, WIDTH_HU, to_window
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.registration import register
from NephroSynthLib.settings import RegistrationSettings, SynthesisSettings
from NephroSynthLib.simulation.simulated_exam import simulate
from NephroSynthLib.synthesis.condition import CONDITION_CHANNELS, CONTEXT_FEATURES, condition_channels, exam_context
from NephroSynthLib.synthesis.sampling import sample_region
from NephroSynthLib.training.crops import Warp, choose_centre, correlated_noise, crop
from NephroSynthLib.training.loop import DrawSample, Sample
from NephroSynthLib.training.pool import Case, CasePool
from NephroSynthLib.training.recontrast import compartment_hu, other_contrast, shares

NETWORK = SwinDenoiserConfig(
    image_channels=1,
    condition_channels=CONDITION_CHANNELS,
    out_channels=2,
    context_features=CONTEXT_FEATURES,
    patch=(1, 2, 2),
    channels=(32, 48, 96),
    strides=((1, 2, 2), (2, 2, 2)),
    blocks=(1, 1, 2),
    attention=(False, False, True),
    head_channels=24,
)
DIFFUSION = DiffusionConfig(schedule="cosine", steps=1000, parameterization="image", learned_variance=True)
PREPROCESSING: dict[str, JsonValue] = {
    "window_hu": [LOWER_HU, UPPER_HU],
    "channels": ["non-contrast window", "excretory window", "log excretory density beyond the window"],
    "spacing_mm": "0.6-1.6 in plane, 0.8-5 between slices",
    "context": ["log spacing x, y, z", "log excretory delay", "whether the delay is known"],
}
CROP: Size = (24, 96, 96)
KIDNEY_WEIGHT = 5.0
MARGIN_MM = 25.0
RECONTRASTED = 0.85
DELAY_KNOWN = 0.5


def make_case(seed: int) -> Case:
    """The kidney region of a simulated exam: both phases after registration, and the true nephrographic phase.

    The registration is the pipeline's own, with kidneys as imperfect as a segmenter's, so that the model learns from
    real registration errors.
    """
    exam = simulate(seed)
    rng = np.random.default_rng((seed, 4))
    noncontrast, excretory = exam.phases["noncontrast"], exam.phases["excretory"]
    fixed, moving = to_image(noncontrast.hu, noncontrast.grid), to_image(excretory.hu, excretory.grid)
    masks, moved_masks = (
        to_image(_imperfect(phase.kidneys, phase.grid.spacing, rng), phase.grid) for phase in (noncontrast, excretory)
    )
    registration = register(fixed, moving, masks, moved_masks, RegistrationSettings())
    region = box_around(exam.kidneys > 0, noncontrast.grid.spacing, MARGIN_MM)
    target_shares = shares(exam.labels, noncontrast.grid.spacing)[(slice(None), *region.slices)]
    moved_shares = [
        sitk.GetArrayFromImage(resample(to_image(share, excretory.grid), fixed, registration.transform, outside=0.0))
        for share in shares(excretory.labels, excretory.grid.spacing)
    ]
    return synthesis_case(
        noncontrast.hu[region.slices],
        sitk.GetArrayFromImage(registration.registered)[region.slices],
        exam.nephrographic_truth[region.slices],
        exam.kidneys[region.slices],
        noncontrast.grid.spacing,
    ) | {
        "nephrographic_shares": target_shares.astype(np.float16),
        "excretory_shares": np.stack(moved_shares)[(slice(None), *region.slices)].astype(np.float16),
        "contrast": compartment_hu(exam.kinetics),
        "excretory_delay_s": np.asarray(exam.kinetics.excretory_s),
        "parenchyma_ml": np.asarray(exam.kinetics.parenchyma_ml),
    }


def synthesis_case(
    noncontrast: np.ndarray,
    excretory: np.ndarray,
    nephrographic: np.ndarray,
    kidneys: np.ndarray,
    spacing: tuple[float, float, float],
) -> Case:
    """Aligned phases in HU and kidney labels, (z, y, x) on one grid of a spacing (x, y, z), as a case holds them."""
    return {
        "noncontrast": np.rint(noncontrast).clip(-1024, 3071).astype(np.int16),
        "excretory": np.rint(excretory).clip(-1024, 3071).astype(np.int16),
        "nephrographic": nephrographic.clip(-1024, 3071).astype(np.float16),
        "kidneys": kidneys.astype(np.uint8),
        "spacing": np.asarray(spacing, np.float32),
    }


def _imperfect(kidneys: np.ndarray, spacing: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Kidneys grown or shrunk by up to 1.5 mm with a wavy border."""
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


def sampler_of(pool: CasePool) -> DrawSample:
    """Draws augmented crops from a pool, which may still be growing, in any process."""
    return partial(_draw, CasePool(pool.folder, pool.make))


def _draw(pool: CasePool, rng: np.random.Generator) -> Sample:
    case = pool.load(rng.choice(np.array(pool.ready())))
    excretory, nephrographic, delay = _enhanced(case, rng)
    volumes = np.stack([case["noncontrast"], excretory, nephrographic, case["kidneys"]])
    centre = choose_centre(case["kidneys"] > 0, rng, inside=0.8)
    warp = Warp.random(rng, zoom=0.15, degrees=15) if rng.random() < 0.5 else Warp(mirrored=bool(rng.integers(2)))
    fill = (-1024.0, -1024.0, -1024.0, 0.0)
    before, after, target, kidneys = crop(volumes.astype(np.float32), centre, CROP, rng, warp, fill)
    before, after, target = _vary(before, after, target, rng)
    spacing = case["spacing"] * np.asarray(warp.scale[::-1])
    return {
        "image": to_window(target)[None].astype(np.float32),
        "condition": condition_channels(before, after),
        "context": exam_context(spacing, delay if rng.random() < DELAY_KNOWN else None),
        "weight": (1 + (KIDNEY_WEIGHT - 1) * (kidneys > 0.25))[None].astype(np.float32),
    }


def _enhanced(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float | None]:
    """The excretory and the nephrographic phase of a case, and the delay of the excretory one where it is known.

    Those of a simulated case are mostly as after another injection.
    """
    excretory, nephrographic = (case[name].astype(np.float32) for name in ("excretory", "nephrographic"))
    delay = _delay(case)
    if "contrast" in case and rng.random() < RECONTRASTED:
        contrast, delay = other_contrast(float(case["parenchyma_ml"]), rng)
        change = (contrast - case["contrast"]).astype(np.float32)
        nephrographic += np.tensordot(change[0], case["nephrographic_shares"].astype(np.float32), 1)
        excretory += np.tensordot(change[1], case["excretory_shares"].astype(np.float32), 1)
    return excretory, nephrographic, delay


def _delay(case: Case) -> float | None:
    return float(case["excretory_delay_s"]) if "excretory_delay_s" in case else None


def _vary(
    before: np.ndarray, after: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibration that all phases share, and further noise in each input."""
    if rng.random() < 0.5:
        offset = rng.normal(0, 8)
        before, after, target = before + offset, after + offset, target + offset
    if rng.random() < 0.4:
        before = before + correlated_noise(before.shape, rng, rng.uniform(0, 20))
        after = after + correlated_noise(after.shape, rng, rng.uniform(0, 20))
    return before, after, target


def evaluate_on(denoiser: Denoiser, pool: CasePool, steps: int) -> dict[str, float]:
    """Mean figures over the pool's cases, of the model, the kinetic baseline and the excretory phase as it is.

    Returns:
        For each of these, and for the model told the excretory phase's delay: PSNR in dB in the window over the kidney
        region, and the mean absolute error in HU inside the kidneys; both against the true nephrographic phase.
    """
    figures: dict[str, list[float]] = {}
    settings = SynthesisSettings(steps=steps)
    for path in pool.ready():
        case = pool.load(path)
        before, after, truth = (case[name].astype(np.float32) for name in ("noncontrast", "excretory", "nephrographic"))
        spacing = tuple(float(size) for size in case["spacing"])
        images = [sitk.GetImageFromArray(hu) for hu in (before, after)]
        for image in images:
            image.SetSpacing(spacing)
        told = settings.model_copy(update={"excretory_delay_s": _delay(case)})
        candidates = {
            "model": sample_region(before, after, spacing, denoiser, settings, seed=0)[0],
            "model_with_delay": sample_region(before, after, spacing, denoiser, told, seed=0)[0],
            "baseline": sitk.GetArrayFromImage(kinetic_baseline(*images)),
            "excretory": after,
        }
        clip = (LOWER_HU, UPPER_HU)
        for name, hu in candidates.items():
            error = np.clip(hu, *clip) - np.clip(truth, *clip)
            figures.setdefault(f"{name}_psnr_db", []).append(psnr_db(float(np.mean(error**2)), WIDTH_HU))
            figures.setdefault(f"{name}_kidney_mae_hu", []).append(float(np.abs(error[case["kidneys"] > 0]).mean()))
    return {name: round(float(np.mean(values)), 2) for name, values in figures.items()}
