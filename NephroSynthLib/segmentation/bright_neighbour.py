"""Tissue too bright for a kidney that a piece took in from a neighbour: bowel with positive contrast, bone, a clip.

Parenchyma is uniform within one phase, so the piece itself tells its brightness, whatever the phase. What is clearly
brighter belongs to the kidney only inside its hull, as excreted contrast and stones do. Bowel and bone lie outside it.
Dark tissue stays, because cysts count as kidney.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

_BRIGHTER_HU, _BRIGHTER_SPREADS = 35.0, 3.0
_TEXTURE_MM = 6.0
_LEAST_ML = 3.0
_MOST_INSIDE = 0.5
_ROUNDING = 0.5
_BLOCK = np.ones((3, 3, 3), bool)

Mask = NDArray[np.bool_]


def bright_neighbour(hu: NDArray[np.floating], piece: Mask, spacing_mm: float) -> Mask | None:
    """Finds the part of a piece that is too bright for its parenchyma and lies outside the hull of the rest.

    The piece is divided between the bright voxels and the rest by distance, so that dark spots of bowel content go with
    the bowel.

    Args:
        hu: CT (z, y, x).
        piece: The piece on the same grid; not empty.
        spacing_mm: Isotropic voxel size, 2 to 4 mm.

    Returns:
        The bright part; None if the piece has none of at least 3 ml.
    """
    reach = max(1, round(_TEXTURE_MM / spacing_mm))
    least = _LEAST_ML * 1000 / spacing_mm**3
    too_bright = piece & (hu > _brightest(hu[piece]))
    if np.count_nonzero(too_bright) < least:
        return None
    box = ndimage.find_objects(piece.astype(np.uint8))[0]
    near, bright = np.pad(piece[box], reach), np.pad(too_bright[box], reach)
    rest = _largest(ndimage.binary_opening(near & ~ndimage.binary_dilation(bright, iterations=reach), _BLOCK))
    if np.count_nonzero(rest) < least:
        return None
    clusters, count = ndimage.label(ndimage.binary_closing(bright, iterations=reach) & near, structure=_BLOCK)
    outside = [
        cluster
        for cluster in range(1, count + 1)
        if np.count_nonzero(clusters == cluster) >= least and _share_in_hull(rest, clusters == cluster) < _MOST_INSIDE
    ]
    if not outside:
        return None
    cores = (rest, np.isin(clusters, outside))
    to_rest, to_neighbour = (ndimage.distance_transform_edt(~core) for core in cores)
    unpadded = (slice(reach, -reach),) * 3
    neighbour = np.zeros_like(piece)
    neighbour[box] = (near & (to_neighbour < to_rest))[unpadded]
    return neighbour


def _brightest(values: NDArray[np.floating]) -> float:
    """Returns the HU above which a voxel is no parenchyma. The narrower half of the distribution gives its spread.

    Bright neighbours widen the upper half of the distribution, cysts and fat the lower one.
    """
    low, median, high = np.percentile(values, (16, 50, 84))
    return float(median + max(_BRIGHTER_HU, _BRIGHTER_SPREADS * min(median - low, high - median)))


def _largest(mask: Mask) -> Mask:
    parts, count = ndimage.label(mask)
    return np.asarray(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])) if count else mask


def _share_in_hull(mask: Mask, part: Mask) -> float:
    """Returns the share of a part that lies in the convex hull of a mask, which must not be flat."""
    hull = spatial.ConvexHull(np.argwhere(mask))
    distances = hull.equations[:, :3] @ np.argwhere(part).T + hull.equations[:, 3:]
    return float((distances <= _ROUNDING).all(axis=0).mean())
