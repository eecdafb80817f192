"""Training of the kidney segmenter: its cases, crops and measure."""

from __future__ import annotations

from functools import partial

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib import options
from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.methods.diffusion_training import DiffusionTraining
from NephroSynthLib.methods.method import Sample
from NephroSynthLib.models.bundle import SEGMENTER
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.segmentation.kidney_pair import choose_kidneys
from NephroSynthLib.segmentation.preprocessing import SPACING, condition_channels, occupancy, working_image
from NephroSynthLib.segmentation.segmenter import kidney_probability
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import simulate
from NephroSynthLib.training.crops import Warp, choose_centre, correlated_noise, crop
from NephroSynthLib.training.distractors import add_distractors
from NephroSynthLib.training.fluid import add_fluid
from NephroSynthLib.training.loop import DrawSample
from NephroSynthLib.training.pool import ANATOMY, CasePool, PreparedCase
from NephroSynthLib.training.recipe import Recipe

CONFIGURATION = SwinDiffusion(
    network=SwinDenoiserConfig(
        image_channels=1,
        condition_channels=2,
        out_channels=1,
        patch=(2, 2, 2),
        channels=(32, 64, 96),
        strides=((2, 2, 2), (2, 2, 2)),
        blocks=(1, 2, 2),
        attention=(False, True, True),
    ),
    diffusion=DiffusionConfig(schedule="cosine", steps=1000, parameterization="image", learned_variance=False),
)
CROP: Size = (48, 64, 96)
LEAST_IN_VIEW: Size = (6, 12, 12)
"""Voxels (z, y, x) from the centre of a crop to the nearest possible face of the field of view."""
CUT_SHARE = 0.3
"""Share of the crops that a smaller field of view cuts."""
KIDNEY_SHARE = 0.5
"""Share of the crops about a voxel of a kidney; the others are about any voxel of soft tissue."""
SOFT_TISSUE_HU = -20.0
PHASES = {"noncontrast": 0.35, "corticomedullary": 0.15, "nephrographic": 0.2, "excretory": 0.3}
"""Phases of an exam, and the share of crops from each."""
ARRAYS = tuple(f"{phase}_hu" for phase in PHASES)
"""Names of which each case holds at least one."""


def recipe() -> Recipe:
    """Returns the recipe of the segmenter, with random weights from torch's global generator."""
    denoiser = CONFIGURATION.build()
    return Recipe(
        task="segmentation",
        method=SEGMENTER,
        title="dsSNICT (arXiv 2502.19623), small",
        configuration=CONFIGURATION,
        window_hu=(LOWER_HU, UPPER_HU),
        normalization={"spacing_mm": list(SPACING), "channels": ["[-150, 250] HU", "[-1000, 1000] HU"]},
        network=denoiser.network,
        arrays=ARRAYS,
        make_case=make_case,
        draw_from=draw_from,
        training_module=lambda plan: DiffusionTraining(denoiser, plan, distance="l2", masks=True),
        evaluate=lambda pool: evaluate_on(denoiser, pool),
    )


def make_case(seed: int, anatomies: AnatomyFolder | None = None) -> PreparedCase:
    """Returns all phases of a simulated exam on the segmenter's grid, as a case: HU and kidney occupancy.

    Args:
        seed: Seed of the exam.
        anatomies: Real patients, of which the seed may choose one; the patient is drawn when None.
    """
    anatomy = anatomies.choose(seed) if anatomies else None
    grid = _wide_grid(np.random.default_rng((seed, 3)))
    exam = simulate(seed, reference=grid, anatomy=anatomy, corticomedullary=True)
    case: PreparedCase = {ANATOMY: np.asarray(anatomies.name(seed) if anatomies else "")}
    for name, phase in exam.phases.items():
        filled = occupancy(to_image((phase.kidneys > 0).astype(np.uint8), phase.grid))
        case |= segmentation_case(name, working_image(to_image(phase.hu, phase.grid)), filled)
    return case


def segmentation_case(phase: str, hu: sitk.Image, filled: sitk.Image) -> PreparedCase:
    """Returns a phase as a case holds it: HU as int16, and kidney occupancy from [0, 1] as 0 to 255 in uint8.

    Args:
        phase: Name of the phase.
        hu: HU on the segmenter's grid.
        filled: Kidney occupancy in [0, 1] on the same grid.
    """
    return {
        f"{phase}_hu": np.rint(sitk.GetArrayFromImage(hu)).clip(-1024, 3071).astype(np.int16),
        f"{phase}_kidneys": np.rint(sitk.GetArrayFromImage(filled) * 255).clip(0, 255).astype(np.uint8),
    }


def _wide_grid(rng: np.random.Generator) -> Grid:
    """Returns a coarse grid of the abdomen, half the time with the pelvis; cases have 3 mm voxels."""
    width, depth = rng.uniform(330, 460), rng.uniform(250, 360)
    height = rng.uniform(170, 330) if rng.random() < 0.5 else rng.uniform(330, 480)
    plane, slices = rng.uniform(1.6, 2.4), rng.uniform(2.5, 5.0)
    shape = (int(height / slices), int(depth / plane), int(width / plane))
    return Grid(shape, (plane, plane, slices), (-width / 2, -depth / 2, -height / 2))


def draw_from(pool: CasePool) -> DrawSample:
    """Returns a function that draws augmented crops from a pool, which may still grow, in any process."""
    return partial(_draw, pool)


def _draw(pool: CasePool, rng: np.random.Generator) -> Sample:
    case = pool.load(rng.choice(np.array(pool.ready())))
    shares = np.array([PHASES[name] if f"{name}_hu" in case else 0.0 for name in PHASES])
    phase = rng.choice(list(PHASES), p=shares / shares.sum())
    hu, filled = case[f"{phase}_hu"].astype(np.float32), case[f"{phase}_kidneys"].astype(np.float32) / 255
    centre = choose_centre(filled > 0.5 if rng.random() < KIDNEY_SHARE else hu > SOFT_TISSUE_HU, rng, inside=1.0)
    warp = Warp.random(rng, zoom=0.3, degrees=15)
    hu, filled = crop(_in_view(np.stack([hu, filled]), centre, rng), centre, CROP, rng, warp, (AIR_HU, 0.0))
    hu = add_distractors(add_fluid(hu, filled, rng), filled, rng)
    return {"image": (2 * filled - 1)[None], "condition": condition_channels(_vary(hu, rng))}


def _in_view(volumes: NDArray[np.float32], centre: Size, rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns volumes (HU and occupancy) some of which are cut by a smaller field of view, with air beyond it.

    Each face of the field of view lies at a random distance from the centre of the crop, so that it may cut a kidney at
    any side.
    """
    if rng.random() >= CUT_SHARE:
        return volumes
    seen = np.ones(volumes.shape[1:], bool)
    for axis, (place, least) in enumerate(zip(centre, LEAST_IN_VIEW, strict=True)):
        before, after = (_reach(rng, least, seen.shape[axis]) for _ in range(2))
        indices = np.arange(seen.shape[axis])
        seen &= ((indices >= place - before) & (indices < place + after)).reshape(np.roll((-1, 1, 1), axis))
    return np.where(seen, volumes, np.array([AIR_HU, 0.0], np.float32)[:, None, None, None])


def _reach(rng: np.random.Generator, least: int, size: int) -> int:
    """Draws the voxels from a place to a face of the field of view; one face in three is that of the whole volume."""
    return size if rng.random() < 1 / 3 else int(least + rng.exponential(3 * least))


def _vary(hu: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Varies calibration, contrast and noise beyond those of the simulated scanners."""
    if rng.random() < 0.5:
        hu = hu * rng.uniform(0.85, 1.15) + rng.normal(0, 10)
    if rng.random() < 0.5:
        hu = hu + correlated_noise(hu.shape, rng, rng.uniform(0, 25))
    return hu


def evaluate_on(denoiser: Denoiser, pool: CasePool) -> dict[str, float]:
    """Returns the mean Dice on the segmenter's grid over the pool's cases, by phase, and the least of all.

    `dice_PHASE` is that of all voxels which the network finds, `dice_PHASE_of_the_chosen_pair` that of the kidneys
    which a run chooses among them.
    """
    raw: dict[str, list[float]] = {}
    chosen: dict[str, list[float]] = {}
    steps = options.SEGMENTATION_STEPS.default
    for path in pool.ready():
        case = pool.load(path)
        for phase in (name for name in PHASES if f"{name}_hu" in case):
            truth, hu = case[f"{phase}_kidneys"] > 127, case[f"{phase}_hu"].astype(np.float32)
            probability = kidney_probability(hu, denoiser, steps, seed=0)
            pair = choose_kidneys(probability, hu, SPACING[0])
            raw.setdefault(f"dice_{phase}", []).append(dice(truth, probability > 0.5))
            chosen.setdefault(f"dice_{phase}_of_the_chosen_pair", []).append(dice(truth, pair.labels > 0))
    means = {name: round(float(np.mean(values)), 4) for name, values in (raw | chosen).items()}
    least = min((value for values in chosen.values() for value in values), default=None)
    return means if least is None else means | {"least_dice_of_a_chosen_pair": round(float(least), 4)}
