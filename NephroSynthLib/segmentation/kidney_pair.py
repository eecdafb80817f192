"""The choice of both kidneys together, among the candidates that a kidney probability leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.sides import LEFT, RIGHT, SIDE_NAMES, is_horseshoe
from NephroSynthLib.segmentation.pieces import TOUCHING, Mask, Piece, Scan, find_pieces
from NephroSynthLib.segmentation.plausibility import MISSING, UNSEEN, kidney_weight, pair_weight, weight_without_place

LEAST_LATERAL_MM = 15.0
FAR_AHEAD_MM = 45.0
_CYSTIC_ML, _CYSTIC_HU = 300.0, 22.0
_SAID_ML = 30.0
_ISTHMUS_HU = 20.0


@dataclass(frozen=True)
class KidneyChoice:
    """The kidneys of a CT, and the pieces that were left out.

    Attributes:
        labels: (z, y, x): 0, 1 right, 2 left.
        kidneys: The chosen candidates by label.
        dropped: Pieces of at least 30 ml that the network took for kidney and no kidney covers.
    """

    labels: NDArray[np.uint8]
    kidneys: dict[int, Piece]
    dropped: tuple[Piece, ...]


def choose_kidneys(probability: NDArray[np.floating], hu: NDArray[np.floating], spacing_mm: float) -> KidneyChoice:
    """Finds the right and the left kidney in a probability map.

    All candidates on the right are combined with all on the left. The best explanation wins: a pair, one kidney, or
    none. `NephroSynthLib.segmentation.plausibility` weighs each candidate and each pair.

    Args:
        probability: (z, y, x) in [0, 1]; axes superior, posterior, left.
        hu: The CT on the same grid.
        spacing_mm: Isotropic voxel size.
    """
    scan = Scan(probability, hu, spacing_mm)
    candidates = find_pieces(scan)
    kidneys = _best(scan, [part for candidate in candidates for part in _halves(scan, candidate)])
    labels = np.zeros(hu.shape, np.uint8)
    for label, kidney in kidneys.items():
        labels[kidney.box][kidney.mask] = label
    _add_isthmus(scan, labels)
    return KidneyChoice(labels, kidneys, tuple(_dropped(scan, candidates, labels)))


def _halves(scan: Scan, candidate: Piece) -> list[Piece]:
    """Cuts a horseshoe kidney at the midline; returns any other candidate whole. A half counts as cut."""
    columns = scan.lateral[candidate.box[2]][candidate.mask.any(axis=(0, 1))]
    if not is_horseshoe(columns, scan.middle):
        return [candidate]
    on_right = np.broadcast_to(scan.lateral[candidate.box[2]] < scan.middle, candidate.mask.shape)
    halves = (candidate.mask & on_right, candidate.mask & ~on_right)
    return [replace(scan.measure(candidate.box, half), cut=True) for half in halves]


def _best(scan: Scan, candidates: list[Piece]) -> dict[int, Piece]:
    """Returns the explanation with the most evidence: candidates by label; none where the evidence is negative."""
    beside = [one for one in candidates if not one.lateral_known or abs(one.lateral_mm) >= LEAST_LATERAL_MM]
    weights = [kidney_weight(candidate) for candidate in beside]
    best: dict[int, Piece] = {}
    most = 0.0
    for index, candidate in enumerate(beside):
        alone = weights[index] + (MISSING if _mirror_in_view(scan, candidate) else UNSEEN)
        if alone > most:
            most, best = alone, {_side(candidate): candidate}
        for other_index, other in enumerate(beside):
            if _side(candidate) != RIGHT or _side(other) != LEFT or candidate.overlaps(other):
                continue
            together = weights[index] + weights[other_index] + pair_weight(candidate, other)
            if together > most:
                most, best = together, {RIGHT: candidate, LEFT: other}
    return best


def _side(candidate: Piece) -> int:
    return RIGHT if candidate.lateral_mm < 0 else LEFT


def _mirror_in_view(scan: Scan, candidate: Piece) -> bool:
    """Tells whether the body at the mirrored place of a candidate is in view."""
    if not scan.shows_spine:
        return False
    z, y, _ = (round(place / scan.spacing_mm) for place in candidate.centre_mm)
    x = round((scan.middle - candidate.lateral_mm) / scan.spacing_mm)
    return 0 <= x < scan.body.shape[2] and bool(scan.body[z, y, x])


def _add_isthmus(scan: Scan, labels: NDArray[np.uint8]) -> None:
    """Adds the isthmus of a horseshoe kidney, in place: tissue as bright as both kidneys that joins them."""
    pieces, _ = ndimage.label(scan.found, structure=TOUCHING)
    joined = set(np.unique(pieces[labels == RIGHT])) & set(np.unique(pieces[labels == LEFT]))
    for piece in joined:
        isthmus = (pieces == piece) & (labels == 0)
        hu = [float(np.median(scan.hu[labels == label])) for label in (RIGHT, LEFT)]
        if isthmus.any() and max(abs(np.median(scan.hu[isthmus]) - value) for value in hu) < _ISTHMUS_HU:
            labels[isthmus] = np.where(np.nonzero(isthmus)[2] * scan.spacing_mm < scan.middle, RIGHT, LEFT)


def _dropped(scan: Scan, candidates: list[Piece], labels: NDArray[np.uint8]) -> Iterator[Piece]:
    """Yields each candidate of at least 30 ml that lies apart from the kidneys; of nested ones, the largest."""
    told: Mask = labels > 0
    for candidate in sorted(candidates, key=lambda one: -one.ml):
        if candidate.ml >= _SAID_ML and not told[candidate.box][candidate.mask].any():
            told[candidate.box] |= candidate.mask
            yield candidate


def remarks(choice: KidneyChoice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the warnings and the notes about a choice, as sentences for the user.

    A left-out piece is a warning where no kidney was found on its side and where it may be a transplanted kidney, and a
    note otherwise.
    """
    warnings: list[str] = []
    notes: list[str] = []
    for label, kidney in choice.kidneys.items():
        if _far_ahead(kidney):
            warnings.append(
                f"The {SIDE_NAMES[label]} kidney lies {kidney.ahead_mm:.0f} mm in front of the spine, as a "
                "transplanted or a pelvic kidney does: check its outline."
            )
        if kidney.ml > _CYSTIC_ML and kidney.hu < _CYSTIC_HU:
            warnings.append(
                f"The {SIDE_NAMES[label]} kidney has {kidney.ml:.0f} ml and consists mostly of fluid, as a "
                "polycystic or an obstructed kidney does: check its outline."
            )
    for piece in choice.dropped:
        side = _side(piece)
        if _far_ahead(piece) and weight_without_place(piece) > 0:
            warnings.append(
                f"A piece of {piece.ml:.0f} ml and {piece.hu:.0f} HU on the {SIDE_NAMES[side]}, {piece.ahead_mm:.0f} "
                "mm in front of the spine, looks like a transplanted kidney. The result holds one kidney on each side, "
                "so that piece was left out."
            )
            continue
        text = (
            f"A piece of {piece.ml:.0f} ml and {piece.hu:.0f} HU on the {SIDE_NAMES[side]} looks like kidney to the "
            "network, but its place, shape or HU do not fit a kidney; it was left out."
        )
        (notes if side in choice.kidneys else warnings).append(text)
    return tuple(warnings), tuple(notes)


def _far_ahead(piece: Piece) -> bool:
    return piece.ahead_mm is not None and piece.ahead_mm > FAR_AHEAD_MM
