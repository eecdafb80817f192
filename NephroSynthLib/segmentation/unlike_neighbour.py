"""Tissue unlike a kidney that a piece took in from a neighbour: too bright or, in an enhanced image, too dark.

Parenchyma is uniform within one phase, so the piece itself tells its brightness, whatever the phase. What is clearly
brighter belongs to the kidney only inside its hull, as excreted contrast and stones do. Bowel with positive contrast,
bone and clips lie outside it.

Fluid beside enhanced parenchyma is a cyst or a dilated calyx, which count as kidney, or a part of a stomach, of bowel
or of ascites. A cyst has a wall, though bowel may touch a part of it. The network takes only a part of a stomach, so
its fluid goes on at about half of its surface.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

_BRIGHTER_HU, _BRIGHTER_SPREADS = 35.0, 3.0
_TEXTURE_MM = 6.0
_LEAST_ML = 3.0
_MOST_INSIDE = 0.5
_ROUNDING = 0.5
_MOST_FLUID_HU, _MOSTLY_FLUID_HU, _LEAST_ENHANCED_HU = 35.0, 22.0, 60.0
_LEAST_FLUID_ML, _LEAST_OPEN = 50.0, 0.4
_WALL_MM, _ALIKE_HU = 7.0, 20.0
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
        The bright part; None if the piece has none of at least 3 ml, or is fluid in which bright and dark alternate, as
        in a polycystic kidney.
    """
    reach = max(1, round(_TEXTURE_MM / spacing_mm))
    least = _LEAST_ML * 1000 / spacing_mm**3
    brightest = _brightest(hu[piece])
    too_bright = piece & (hu > brightest)
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
    neighbour = _nearer(piece, box, reach, near, np.isin(clusters, outside), rest)
    mottled = np.median(hu[piece]) < _MOSTLY_FLUID_HU and np.median(hu[neighbour]) < brightest
    return None if mottled else neighbour


def fluid_neighbour(hu: NDArray[np.floating], piece: Mask, spacing_mm: float, *, found: Mask) -> Mask | None:
    """Finds the part of a piece that is fluid, lies outside the hull of the parenchyma and goes on outside `found`.

    Args:
        hu: CT (z, y, x).
        piece: The piece on the same grid; not empty.
        spacing_mm: Isotropic voxel size, 2 to 4 mm.
        found: All voxels that the network takes for kidney, those of the piece among them.

    Returns:
        The fluid part; None if the piece has none of at least 50 ml, or its parenchyma is not enhanced.
    """
    solid = hu[piece & (hu > _MOST_FLUID_HU)]
    least = _LEAST_FLUID_ML * 1000 / spacing_mm**3
    if not solid.size or np.median(solid) < _LEAST_ENHANCED_HU:
        return None
    box = ndimage.find_objects(piece.astype(np.uint8))[0]
    reach = math.ceil(_WALL_MM / spacing_mm) + 1
    room = tuple(slice(max(0, part.start - reach), part.stop + reach) for part in box)
    near, around = piece[room], hu[room]
    fluid = ndimage.binary_opening(near & (around < _MOST_FLUID_HU), _BLOCK)
    rest = _largest(ndimage.binary_opening(near & (around > _MOST_FLUID_HU), _BLOCK))
    clusters, count = ndimage.label(fluid, structure=_BLOCK)
    outside = [
        cluster
        for cluster in range(1, count + 1)
        if np.count_nonzero(clusters == cluster) >= least
        and rest.any()
        and _share_in_hull(rest, clusters == cluster) < _MOST_INSIDE
        and _goes_on(around, found[room], clusters == cluster, spacing_mm)
    ]
    if not outside:
        return None
    return _nearer(piece, room, 0, near, np.isin(clusters, outside), rest)


def _goes_on(hu: NDArray[np.floating], found: Mask, fluid: Mask, spacing_mm: float) -> bool:
    """Tells whether tissue of the same HU surrounds a good part of the fluid, apart from found voxels."""
    distance = ndimage.distance_transform_edt(~fluid, sampling=spacing_mm)
    beside = hu[(distance <= _WALL_MM) & ~found]
    return bool(beside.size and np.mean(np.abs(beside - np.median(hu[fluid])) < _ALIKE_HU) > _LEAST_OPEN)


def _nearer(piece: Mask, box: tuple[slice, ...], padding: int, near: Mask, neighbour: Mask, rest: Mask) -> Mask:
    """Returns the voxels of a piece that lie nearer to a neighbour than to the rest, both given in its padded box."""
    to_neighbour, to_rest = (ndimage.distance_transform_edt(~core) for core in (neighbour, rest))
    unpadded = (slice(padding, -padding or None),) * 3
    part = np.zeros_like(piece)
    part[box] = (near & (to_neighbour < to_rest))[unpadded]
    return part


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
