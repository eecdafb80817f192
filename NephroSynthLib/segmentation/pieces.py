"""Pieces of a kidney probability that can each be a kidney, and their measurements.

A threshold of one half joins a kidney to an organ that touches it and that the network likes too. Therefore the found
voxels are also divided around the cores that a higher threshold or an erosion leaves: two organs that touch have two
cores. Each piece of each of these partitions is a candidate, so candidates overlap, and `kidney_pair` chooses. Bright
tissue that lies at the outside of a piece is a candidate of its own, and the piece goes without it; so is fluid of a
larger cavity beside enhanced parenchyma. Where a piece has a thick part that the network hardly finds, the piece
without that part is one more candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.sides import BONE_HU, midline
from NephroSynthLib.segmentation.unlike_neighbour import bright_neighbour, fluid_neighbour

FOUND = 0.5
SMALLEST_ML = 10.0
_CORE_PROBABILITIES = (0.75, 0.9)
_NECK_RADII_MM = (4.0, 7.0, 11.0)
_LEAST_CORE_ML = 3.0
_HARDLY_FOUND, _BORDER_MM = 0.6, 4.5
_SAME_PIECE = 0.95
_URINE_REACH_MM = 15.0
_LEAST_CUT_MM2 = 100.0
_SPINE_HALF_WIDTH_MM, _LEAST_SPINE_ML, _LEAST_SPINE_MM2 = 25.0, 1.0, 250.0
_LUNG_HU = -400.0
_SHELL_MM = 2.9, 7.0
_ALIKE_HU = 15.0

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
NeighbourFinder = Callable[[NDArray[np.floating], Mask, float], "Mask | None"]
TOUCHING = np.ones((3, 3, 3))


@dataclass(frozen=True)
class Piece:
    """A piece of the found voxels that may be a kidney. Its box has room around it.

    Attributes:
        box: Slices (z, y, x) of the piece with a margin, within the volume.
        mask: The piece inside its box.
        ml: Volume.
        probability: Mean probability of the network, in (0.5, 1].
        hu: Median HU.
        spread_hu: Half of the range between the 16th and the 84th percentile, which is the texture of the piece.
        centre_mm: Centre of mass (z, y, x), from the first voxel of the volume.
        lateral_mm: Distance of the centre from the midline, positive to the patient's left.
        lateral_known: Whether the spine shows the midline. Without it, the middle of the body in view takes its place.
        ahead_mm: Distance of the centre in front of the spine; None if no spine shows at its height.
        axes_mm: Lengths of the axes of the ellipsoid with the same moments, ascending.
        upright: Cosine between the longest axis and the body axis, in [0, 1].
        continued: Share of the surrounding tissue that has the same HU as the piece.
        lung: Share of the surroundings that is lung.
        cut: Whether the piece reaches a face of the volume, so that only a part of it may be in view.
    """

    box: Box
    mask: Mask
    ml: float
    probability: float
    hu: float
    spread_hu: float
    centre_mm: tuple[float, float, float]
    lateral_mm: float
    lateral_known: bool
    ahead_mm: float | None
    axes_mm: tuple[float, float, float]
    upright: float
    continued: float
    lung: float
    cut: bool

    @property
    def elongation(self) -> float:
        """Length over the geometric mean of width and thickness."""
        thickness, width, length = self.axes_mm
        return length / (width * thickness) ** 0.5

    def overlaps(self, other: Piece) -> bool:
        """Tells whether two candidates have a voxel in common."""
        boxes = list(zip(self.box, other.box, strict=True))
        common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in boxes]
        if any(part.start >= part.stop for part in common):
            return False
        masks = [
            one.mask[tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(common, one.box, strict=True))]
            for one in (self, other)
        ]
        return bool((masks[0] & masks[1]).any())


class Scan:
    """A CT on the grid of the segmenter, with the landmarks that candidates are measured against.

    Args:
        probability: (z, y, x) in [0, 1]; axes superior, posterior, left.
        hu: The CT on the same grid.
        spacing_mm: Isotropic voxel size.
    """

    def __init__(self, probability: NDArray[np.floating], hu: NDArray[np.floating], spacing_mm: float) -> None:
        self.probability, self.hu, self.spacing_mm = probability, hu, spacing_mm
        self.found: Mask = probability > FOUND
        self.lateral = np.arange(hu.shape[2]) * spacing_mm
        near = ndimage.binary_dilation(self.found, iterations=max(1, round(_URINE_REACH_MM / spacing_mm)))
        without_dense_urine = np.where(near, np.minimum(hu, BONE_HU), hu)
        self.middle = midline(without_dense_urine, self.lateral, spacing_mm**3)
        self.body = body_mask(hu)
        beside = np.abs(self.lateral - self.middle) < _SPINE_HALF_WIDTH_MM
        self._bone = (without_dense_urine > BONE_HU) & self.body & beside
        self.shows_spine = bool(np.median(self._bone.sum(axis=(1, 2))) * spacing_mm**2 >= _LEAST_SPINE_MM2)

    def ml(self, mask: Mask) -> float:
        """Returns the volume of a mask."""
        return float(np.count_nonzero(mask)) * self.spacing_mm**3 / 1000

    def spine_mm(self, heights: slice) -> float | None:
        """Returns how far behind the first row the middle of the spine lies at some heights; None if none shows."""
        rows = np.flatnonzero(self._bone[heights].any(axis=(0, 2)))
        if not self.shows_spine or self.ml(self._bone[heights]) < _LEAST_SPINE_ML:
            return None
        counts = self._bone[heights].sum(axis=(0, 2))[rows]
        middle = rows[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
        return float(middle) * self.spacing_mm

    def measure(self, box: Box, mask: Mask) -> Piece:
        """Measures a piece.

        Args:
            box: Slices (z, y, x) that hold the piece.
            mask: The piece in this box; not empty.
        """
        spacing = self.spacing_mm
        box, mask = self._with_margin(box, mask)
        hu = self.hu[box]
        values = hu[mask]
        places = (np.argwhere(mask) + [part.start for part in box]) * spacing
        centre = places.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(places.T) + np.eye(3) * spacing**2 / 12)
        thickness, width, length = 2 * np.sqrt(5 * variances)
        low, median, high = np.percentile(values, (16, 50, 84))
        distance = ndimage.distance_transform_edt(~mask, sampling=spacing)
        shell = (distance > _SHELL_MM[0]) & (distance < _SHELL_MM[1])
        around = hu[shell]
        spine = self.spine_mm(slice(round(places[0, 0] / spacing), round(places[-1, 0] / spacing) + 1))
        return Piece(
            box=box,
            mask=mask,
            ml=self.ml(mask),
            probability=float(self.probability[box][mask].mean()),
            hu=float(median),
            spread_hu=float(high - low) / 2,
            centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
            lateral_mm=float(centre[2] - self.middle),
            lateral_known=self.shows_spine,
            ahead_mm=None if spine is None else spine - float(centre[1]),
            axes_mm=(float(thickness), float(width), float(length)),
            upright=float(abs(directions[0, 2])),
            continued=float(np.mean(np.abs(around - median) < _ALIKE_HU)) if around.size else 0.0,
            lung=float(np.mean((around < _LUNG_HU) & self.body[box][shell])) if around.size else 0.0,
            cut=self._is_cut(box, mask),
        )

    def _with_margin(self, box: Box, mask: Mask) -> tuple[Box, Mask]:
        """Returns a piece in a box that has room for its surroundings, where the volume has it."""
        margin = math.ceil(_SHELL_MM[1] / self.spacing_mm) + 1
        tight = ndimage.find_objects(mask.astype(np.uint8))[0]
        z, y, x = (
            slice(max(0, outer.start + part.start - margin), min(size, outer.start + part.stop + margin))
            for outer, part, size in zip(box, tight, self.hu.shape, strict=True)
        )
        room = np.zeros((z.stop - z.start, y.stop - y.start, x.stop - x.start), bool)
        starts = [outer.start + part.start - new.start for outer, part, new in zip(box, tight, (z, y, x), strict=True)]
        target = tuple(slice(start, start + part.stop - part.start) for start, part in zip(starts, tight, strict=True))
        room[target] = mask[tight]
        return (z, y, x), room

    def _is_cut(self, box: Box, mask: Mask) -> bool:
        """Tells whether a piece reaches a face of the volume with at least 1 cm²."""
        for axis, (part, size) in enumerate(zip(box, self.hu.shape, strict=True)):
            ends = ((0, part.start == 0), (-1, part.stop == size))
            for end, outer in ends:
                if outer and np.count_nonzero(np.take(mask, end, axis=axis)) * self.spacing_mm**2 > _LEAST_CUT_MM2:
                    return True
        return False


def find_pieces(scan: Scan) -> list[Piece]:
    """Returns the pieces of at least 10 ml inside the body that may each be a kidney, without duplicates."""
    kept: list[Piece] = []
    pieces, _ = ndimage.label(scan.found, structure=TOUCHING)
    for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
        whole = pieces[box] == piece
        for mask in _without_neighbours(scan, box, (whole, *_parts(scan, box, whole))):
            if scan.ml(mask) < SMALLEST_ML or scan.body[box][mask].mean() < 0.5:
                continue
            candidate = scan.measure(box, mask)
            if not any(_same(candidate, other) for other in kept):
                kept.append(candidate)
    return kept


def _without_neighbours(scan: Scan, box: Box, masks: Iterable[Mask]) -> Iterator[Mask]:
    for neighbour in (bright_neighbour, partial(fluid_neighbour, found=scan.found[box])):
        masks = _divided(scan, box, masks, neighbour)
    for mask in masks:
        yield mask
        well_found = _well_found(scan, box, mask)
        if well_found is not None:
            yield well_found


def _divided(scan: Scan, box: Box, masks: Iterable[Mask], neighbour: NeighbourFinder) -> Iterator[Mask]:
    """Yields each mask, or its neighbour and the rest of it."""
    for mask in masks:
        found = neighbour(scan.hu[box], mask, scan.spacing_mm) if scan.ml(mask) >= SMALLEST_ML else None
        if found is None:
            yield mask
        else:
            yield mask & ~found
            yield found


def _well_found(scan: Scan, box: Box, mask: Mask) -> Mask | None:
    """Returns a piece without the part that the network hardly finds and that is thicker than a border; None if none.

    Where fat shares the voxels at the border of a kidney, the probability is low in a thin layer. In a neighbour of the
    same HU, such as the spleen, it is low throughout.
    """
    core = mask & (scan.probability[box] > _HARDLY_FOUND)
    if scan.ml(core) < _LEAST_CORE_ML:
        return None
    near = mask & (ndimage.distance_transform_edt(~core, sampling=scan.spacing_mm) <= _BORDER_MM)
    return near if scan.ml(mask & ~near) >= _LEAST_CORE_ML else None


def _same(one: Piece, other: Piece) -> bool:
    smaller, larger = sorted((one.ml, other.ml))
    near = np.linalg.norm(np.subtract(one.centre_mm, other.centre_mm)) < (1 - _SAME_PIECE) * one.axes_mm[2]
    return bool(smaller > _SAME_PIECE * larger and near)


def _parts(scan: Scan, box: Box, whole: Mask) -> Iterator[Mask]:
    """Yields the parts of a connected piece around its cores of each kind; none where a kind has a single core."""
    if scan.ml(whole) < SMALLEST_ML:
        return
    depth = ndimage.distance_transform_edt(np.pad(whole, 1), sampling=scan.spacing_mm)[1:-1, 1:-1, 1:-1]
    probability = scan.probability[box]
    cores = [probability > level for level in _CORE_PROBABILITIES] + [depth > radius for radius in _NECK_RADII_MM]
    for core in cores:
        labels, count = ndimage.label(core & whole, structure=TOUCHING)
        large = [label for label in range(1, count + 1) if scan.ml(labels == label) >= _LEAST_CORE_ML]
        if len(large) < 2:
            continue
        nearest = ndimage.distance_transform_edt(~np.isin(labels, large), return_distances=False, return_indices=True)
        owner = labels[tuple(nearest)]
        yield from (whole & (owner == label) for label in large)
