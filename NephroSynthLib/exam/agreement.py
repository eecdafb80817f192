"""Agreement of the phases of an exam: one patient, one region of the body, and a different series for each phase."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.dicom.series_identity import Identity, compare_patients, patient_doubt
from NephroSynthLib.errors import Action, GeometryError, IdentityError
from NephroSynthLib.exam.contrast import early_contrast_warnings
from NephroSynthLib.exam.volume import Volume
from NephroSynthLib.imaging.grids import canonical, index_to_world

_SAMPLES = 24
LEAST_OVERLAP = 0.25
"""Phases that share less of the smaller volume are refused."""
_GOOD_OVERLAP = 0.6


def check_paths_differ(paths: Mapping[str, Path]) -> None:
    """Checks that no file or folder is given for two phases.

    Args:
        paths: Path of each phase, by its role.

    Raises:
        IdentityError: If two phases have the same file or folder.
    """
    for (role, path), (other_role, other) in combinations(paths.items(), 2):
        if path.exists() and other.exists() and path.samefile(other):
            raise IdentityError(
                f"The {role} and the {other_role} are the same file or folder.", Action.GIVE_EACH_PHASE_ONCE
            )


def check_phases(volumes: Mapping[str, Volume]) -> list[str]:
    """Checks the phases of an exam against each other: one patient, different series, an overlapping region.

    Args:
        volumes: Volume of each phase, by its role.

    Returns:
        Warnings about contrast, studies and overlap.

    Raises:
        IdentityError: If two phases are of different patients, or are the same series.
        GeometryError: If two phases do not overlap, or hardly.
    """
    warnings: list[str] = []
    for (role, volume), (other_role, other) in combinations(volumes.items(), 2):
        roles = f"The {role} and the {other_role}"
        if volume.identity is not None and other.identity is not None:
            warnings += _check_identities(roles, volume.identity, other.identity)
        if _same_voxels(volume.image, other.image):
            raise IdentityError(
                f"{roles} have the same voxels: the same series was given twice.", Action.GIVE_EACH_PHASE_ONCE
            )
        overlap = overlap_share(volume.image, other.image)
        if overlap < LEAST_OVERLAP:
            raise GeometryError(
                f"{roles} {'hardly' if overlap else 'do not'} overlap in space.",
                Action.GIVE_ONE_EXAM,
            )
        if overlap < _GOOD_OVERLAP:
            warnings.append(f"{roles} share only {100 * overlap:.0f} % of the smaller volume.")
    noncontrast, excretory = volumes["non-contrast phase"], volumes["excretory phase"]
    warnings += early_contrast_warnings(noncontrast.image, excretory.image)
    return warnings


def overlap_share(first: sitk.Image, second: sitk.Image) -> float:
    """Returns the fraction of the smaller volume that lies in the other one, in [0, 1], sampled at 24^3 points."""
    return max(_share_inside(first, second), _share_inside(second, first))


def _share_inside(image: sitk.Image, other: sitk.Image) -> float:
    fractions = (np.indices((_SAMPLES,) * 3).reshape(3, -1).T + 0.5) / _SAMPLES
    to_world, to_other = index_to_world(image), index_to_world(other)
    points = to_world[:3, :3] @ (fractions * image.GetSize() - 0.5).T + to_world[:3, 3:]
    indices = np.linalg.solve(to_other[:3, :3], points - to_other[:3, 3:]).T
    return float(((indices >= -0.5) & (indices <= np.array(other.GetSize()) - 0.5)).all(axis=1).mean())


def _check_identities(roles: str, first: Identity, second: Identity) -> list[str]:
    if first.series and first.series == second.series:
        raise IdentityError(f"{roles} are the same DICOM series.", Action.GIVE_EACH_PHASE_ONCE)
    if compare_patients(first, second) == "different":
        raise IdentityError(f"{roles} are of different patients.", Action.GIVE_ONE_EXAM)
    doubt = patient_doubt(first, second)
    warnings = [f"{roles} {doubt}."] if doubt else []
    if first.study_uid and second.study_uid and first.study_uid != second.study_uid:
        warnings.append(f"{roles} are of different studies.")
    elif len({first.frame_of_reference, second.frame_of_reference} - {""}) == 2:
        warnings.append(f"{roles} have different frames of reference: the patient may have moved between them.")
    return warnings


def _same_voxels(first: sitk.Image, second: sitk.Image) -> bool:
    """Tells whether two volumes have the same voxels, regardless of the order in which their axes are stored."""
    first, second = canonical(first), canonical(second)
    if first.GetSize() != second.GetSize():
        return False
    values, others = sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second)
    middle = values.shape[0] // 2
    return np.array_equal(values[middle], others[middle]) and np.array_equal(values, others)
