"""Organs full of fluid and free fluid, painted over the tissue of a crop.

A stomach full of water or ascites is a large homogeneous body of nearly the HU of a kidney without contrast. A model
that has seen few of them takes them for kidneys. Here they appear in random places and shapes, beside every kidney.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.training.crops import correlated_noise
from NephroSynthLib.training.distractors import FAT_HU, beside_kidneys, cluster

ORGAN_FREQUENCY = 0.6
"""Share of the crops with an organ full of fluid."""
ASCITES_FREQUENCY = 0.25
"""Share of the crops with free fluid in the fat."""
FLUID_HU = (-5.0, 35.0)
WALL_HU = (20.0, 110.0)
SOFT_HU, BONE_HU = -150.0, 220.0
"""An organ may displace the fat and soft tissue around it; air and bone stay."""
RADII = (6.0, 20.0)
REACH = 14.0
GAP = 3
"""The largest distance of fluid from the kidney that a crop keeps, in voxels."""


def add_fluid(hu: NDArray[np.float32], kidneys: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns a CT with, now and then, an organ full of fluid or ascites; the kidneys stay as they are.

    Args:
        hu: HU, (z, y, x), with y from front to back.
        kidneys: Occupancy of the kidneys in [0, 1], (z, y, x).
        rng: Draws presence, places, shapes and HU.

    Returns:
        A copy; the input does not change.
    """
    beside = beside_kidneys(hu, kidneys)
    wet = beside.copy()
    clear = np.ones(hu.shape, bool)
    if rng.random() < 0.5:
        clear = ~ndimage.binary_dilation(kidneys > 0.5, iterations=int(rng.integers(1, GAP + 1)))
    if rng.random() < ASCITES_FREQUENCY:
        fat = (beside > FAT_HU[0]) & (beside < FAT_HU[1])
        border = correlated_noise(hu.shape, rng, 0.3) + _waves(hu.shape, rng)
        fluid = rng.uniform(*FLUID_HU) + correlated_noise(hu.shape, rng, rng.uniform(0, 12))
        wet = np.where(fat & clear & (border > rng.normal(0, 0.7)), fluid, wet)
    if rng.random() < ORGAN_FREQUENCY:
        bone = ndimage.binary_dilation(beside > BONE_HU, iterations=2)
        _paint_organ(wet, clear & ~bone & (beside > SOFT_HU) & (kidneys < 0.9), rng)
    return hu + (1 - kidneys) * (wet - beside)


def _paint_organ(hu: NDArray[np.float32], where: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Paints wall, fluid, now and then food, and gas in front of it, into an array of HU."""
    candidates = np.flatnonzero(where)
    if not candidates.size:
        return
    middle = np.array(np.unravel_index(rng.choice(candidates), hu.shape))
    radii = (RADII[0], float(rng.uniform(RADII[0] + 2, RADII[1])))
    shape = cluster(tuple(slice(0, n) for n in hu.shape), hu.shape, middle, rng, radii, REACH)
    rows = np.flatnonzero(shape.any(axis=(0, 2)))
    inside = ndimage.gaussian_filter(ndimage.binary_erosion(shape > 0.5).astype(np.float32), 0.6)
    contents = np.full(hu.shape, rng.uniform(*FLUID_HU), np.float32)
    contents += correlated_noise(hu.shape, rng, rng.uniform(0, 12))
    if rng.random() < 0.25:
        contents += rng.uniform(5, 30) * _waves(hu.shape, rng)
    if rows.size and rng.random() < 0.3:
        contents[:, : int(np.quantile(rows, rng.uniform(0, 0.6)))] = AIR_HU
    wall = rng.uniform(*WALL_HU) if rng.random() < 0.7 else float(np.median(contents))
    organ = inside * contents + (1 - inside) * wall
    hu += shape * where * (organ - hu)


def _waves(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns smooth noise of standard deviation 1 with waves of some 8 to 20 voxels."""
    coarse = rng.standard_normal([max(2, n // 8) for n in shape]).astype(np.float32)
    smooth = ndimage.zoom(coarse, [n / m for n, m in zip(shape, coarse.shape, strict=True)], order=2, mode="nearest")
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), dtype=np.float32)
