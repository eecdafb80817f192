"""Lumps of tissue beside the kidneys, as loops of bowel, nodes and lobes are, in random places.

Without contrast a kidney is as grey as bowel, spleen or bladder. Lumps anywhere in the fat teach a model to recognize
kidneys by shape and place, and in enhanced phases by their contrast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.training.crops import correlated_noise

FAT_HU = (-150.0, -20.0)
BOWEL_HU = (10.0, 90.0)
RADII = (2.0, 8.0)
REACH = 9.0
NEAR = 6
EXTENT = int(REACH + RADII[1]) + 2


def add_distractors(
    hu: NDArray[np.float32], kidneys: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Returns a CT with up to three clusters of lumps in its fat, half of them near a kidney or at its border.

    Half of the lumps are as bright as the kidneys, the others as bright as bowel. Where kidney and fat share a voxel,
    the lump takes the share of the fat, so that it touches the kidney as bowel does.

    Args:
        hu: HU, (z, y, x).
        kidneys: Occupancy of the kidneys in [0, 1], (z, y, x).
        rng: Draws number, places, shapes and HU.

    Returns:
        A copy; the input does not change.
    """
    result = hu.copy()
    inside = hu[kidneys > 0.9]
    level = float(np.median(inside)) if inside.size else rng.uniform(20, 60)
    around = beside_kidneys(hu, kidneys)
    fat = (around > FAT_HU[0]) & (around < FAT_HU[1]) & (kidneys < 0.9)
    places = (fat & (kidneys > 0), fat & ndimage.binary_dilation(kidneys > 0, iterations=NEAR), fat)
    painted = np.zeros_like(result)
    for _ in range(int(rng.integers(0, 4))):
        candidates = np.flatnonzero(places[rng.choice(3, p=(0.25, 0.25, 0.5))])
        if not candidates.size:
            continue
        middle = np.array(np.unravel_index(rng.choice(candidates), hu.shape))
        box = tuple(slice(max(0, m - EXTENT), m + EXTENT + 1) for m in middle)
        lump = cluster(box, hu.shape, middle, rng, RADII, REACH) * fat[box] * (1 - painted[box])
        grey = level + rng.normal(0, 12) if rng.random() < 0.5 else rng.uniform(*BOWEL_HU)
        texture = correlated_noise(lump.shape, rng, rng.uniform(0, 12))
        result[box] += lump * (1 - kidneys[box]) * (grey + texture - around[box])
        painted[box] += lump
    return result


def beside_kidneys(hu: NDArray[np.float32], kidneys: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns HU (z, y, x) without the share of the kidneys, where kidney and other tissue share a voxel."""
    inside = hu[kidneys > 0.9]
    level = float(np.median(inside)) if inside.size else 0.0
    return np.where(kidneys > 0, (hu - kidneys * level) / np.maximum(1 - kidneys, 0.1), hu)


def cluster(
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    middle: NDArray[np.intp],
    rng: np.random.Generator,
    radii: tuple[float, float],
    reach: float,
) -> NDArray[np.float32]:
    """Returns one to five ellipsoids of any direction about a voxel, with soft borders.

    Args:
        box: The part of the volume to fill.
        shape: Shape (z, y, x) of the volume.
        middle: The voxel (z, y, x).
        rng: Draws number, places, directions and radii.
        radii: Smallest and largest half axis in voxels.
        reach: Largest offset of an ellipsoid from the voxel along each axis, in voxels.

    Returns:
        Weights in [0, 1] of the shape of the box.
    """
    axes = [np.arange(n, dtype=np.float32)[part] for n, part in zip(shape, box, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    lump = np.zeros(points.shape[:-1], bool)
    for _ in range(int(rng.integers(1, 6))):
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        offsets = (points - (middle + rng.uniform(-reach, reach, 3)).astype(np.float32)) @ turn.astype(np.float32)
        lump |= ((offsets / rng.uniform(*radii, 3).astype(np.float32)) ** 2).sum(axis=-1) < 1
    return np.asarray(ndimage.gaussian_filter(lump.astype(np.float32), 0.6))
