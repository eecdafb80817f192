"""The common frame of the phases: a phase that lies otherwise than the non-contrast phase is turned or moved back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.exam.agreement import LEAST_OVERLAP, overlap_share
from NephroSynthLib.exam.volume import Volume
from NephroSynthLib.imaging.placement import ALIKE, Placement, find_placement, placed

REFERENCE = "non-contrast phase"

MIRRORED = (
    "One of the two phases is mirrored, and the images do not tell which one, so check the sides of the kidneys "
    "against the patient's records."
)


def in_common_frame(
    volumes: Mapping[str, Volume],
) -> tuple[dict[str, Volume], dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Turns each phase back that is turned or mirrored against the non-contrast phase, or far away from it.

    The images alone decide. A phase that does not overlap with the non-contrast phase stays where it is if it does not
    show the same part of the body.

    Args:
        volumes: Volume of each phase, by its role.

    Returns:
        The volumes; for each phase that was moved, the 4x4 map of its new points to those of its file; and a warning
        for each of them.
    """
    reference = volumes[REFERENCE].image
    moved, maps, warnings = dict(volumes), {}, []
    for role, volume in volumes.items():
        if role == REFERENCE:
            continue
        placement = find_placement(reference, volume.image)
        far = overlap_share(reference, volume.image) < LEAST_OVERLAP and placement.likeness >= ALIKE
        if placement.turn.words or far:
            moved[role] = replace(volume, image=placed(volume.image, placement.matrix))
            maps[role] = placement.matrix
            warnings.append(_turned(role, placement) if placement.turn.words else _far(role, placement))
    return moved, maps, tuple(warnings)


def _turned(role: str, placement: Placement) -> str:
    doubt = f" {MIRRORED}" if placement.turn.is_reflection else ""
    return (
        f"The {role} does not lie as the {REFERENCE} does: {placement.turn.words}. It was turned back before the "
        f"registration. Check the headers of both phases.{doubt}"
    )


def _far(role: str, placement: Placement) -> str:
    distance = float(np.linalg.norm(placement.matrix[:3, 3]))
    return (
        f"The {role} and the {REFERENCE} hardly overlap by their headers, but they show the same part of a body: "
        f"their frames of reference are about {round(distance, -1):.0f} mm apart. The {role} was moved by that. Check "
        "that both are of one exam."
    )
