"""Training of generators on the cases of synthesis methods: their recipe and measure."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.evaluation.frechet import extract_features, frechet_distance
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures
from NephroSynthLib.generators.generator import Generator
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.progress import Progress
from NephroSynthLib.training.crops import Warp, choose_centre, crop
from NephroSynthLib.training.pool import CasePool
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.scores import axial_figures
from NephroSynthLib.training.synthesis_cases import recipe_of

IMAGES = 16
"""Slices that a generator is measured by."""
VOLUME_SLICES = 8

Slices = list[NDArray[np.float32]]


def recipe(generator: Generator) -> Recipe:
    """Returns the recipe of a generator.

    Args:
        generator: The generator with the weights that training starts from.
    """
    return recipe_of("generation", generator, partial(evaluate_on, generator))


def evaluate_on(generator: Generator, pool: CasePool) -> dict[str, float]:
    """Compares new slices of a generator with as many acquired ones of the pool's cases.

    So few slices give rough figures. They compare generators that were measured alike.

    Returns:
        The Fréchet distance of the slices, and those of `axial_figures` that can be told; nothing without cases.
    """
    if not pool.ready():
        return {}
    real, made = real_slices(generator, pool), new_slices(generator)
    network = SegmenterFeatures()
    ours, theirs = (extract_features(slices, network) for slices in (made, real))
    figures = {"fid_ax": frechet_distance(ours, theirs), **axial_figures(ours, theirs, made, real)}
    return {name: round(value, 4) for name, value in figures.items() if value is not None}


def real_slices(generator: Generator, pool: CasePool) -> Slices:
    """Returns slices of the nephrographic phase around the kidneys, (1, y, x) each, evenly from all cases."""
    cases = pool.ready()
    size = (1, *generator.crop[1:])
    chosen: Slices = []
    for number, path in enumerate(cases):
        case = pool.load(path)
        volume = case["nephrographic"].astype(np.float32)[None]
        rng = np.random.default_rng(number)
        for _ in range(-(-IMAGES // len(cases))):
            centre = choose_centre(case["kidneys"] > 0, rng, inside=1.0)
            chosen.append(crop(volume, centre, size, rng, Warp(), (AIR_HU,))[0])
    return chosen


def new_slices(generator: Generator) -> Slices:
    """Returns new slices, (1, y, x) each; those of one volume follow each other."""
    most = generator.most_slices
    height = VOLUME_SLICES if most is None else min(VOLUME_SLICES, most)
    steps = generator.own_steps or 1
    volumes = [generator.generate(height, steps, seed, Progress()) for seed in range(IMAGES // height)]
    return [hu[z][None] for hu in volumes for z in range(height)]
