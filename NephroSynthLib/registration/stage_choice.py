"""The choice among the maps of the stages: a stage is left out only if there is evidence against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from NephroSynthLib.files.decimals import beside
from NephroSynthLib.options import RegistrationMode
from NephroSynthLib.registration.fusion import FusedMap

UNRELATED_SSIM = 0.1
"""Phases whose SSIM stays below have nearly nothing in common."""
ALIKE_SSIM = 0.5
"""Below it, a stage is used only if it raises SSIM; above it, only evidence drops a stage."""
EVIDENT_SSIM = 0.01
"""A smaller fall of SSIM is no evidence: noise and interpolation cause it, too."""
STILL_MM = 1.0
"""A stage that moves each kidney by less has found nothing to correct, unless SSIM rises."""


@dataclass(frozen=True)
class Candidate:
    """The map after a stage.

    Attributes:
        mode: The stage, the last of those that made the map.
        map: The map.
        ssim: SSIM around the kidneys under the map.
        shift_mm: The largest displacement of a kidney's centroid by the map; 0 if no kidney is known.
    """

    mode: RegistrationMode
    map: FusedMap
    ssim: float
    shift_mm: float = 0.0


@dataclass(frozen=True)
class Choice:
    """The candidate to use, with the doubts and the information that its choice gives rise to, as sentences."""

    best: Candidate
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def choose(candidates: Sequence[Candidate]) -> Choice:
    """Chooses the last stage that neither folds nor makes the phases less alike.

    The stages come in their order; the first one is the start. If no stage moves the kidneys or makes the phases more
    alike, the start is kept, because the phases are aligned already.
    """
    best = start = candidates[0]
    for candidate in candidates[1:]:
        needed = best.ssim - EVIDENT_SSIM if candidate.ssim > ALIKE_SSIM else max(best.ssim, UNRELATED_SSIM)
        if candidate.map.min_jacobian > 0 and candidate.ssim > needed:
            best = candidate
    last = candidates[-1]
    if best is not start and best.ssim <= start.ssim and best.shift_mm < STILL_MM:
        note = (
            f"The phases are aligned already: no stage moved a kidney by more than {STILL_MM:g} mm, so none was used."
        )
        return Choice(start, (), (note,))
    warnings = []
    if best is not last:
        ssim, before = beside(last.ssim, best.ssim)
        if last.map.min_jacobian <= 0:
            reason = "would fold"
        elif last.ssim > best.ssim:
            reason = f"did not make the phases alike (SSIM {ssim})"
        else:
            reason = f"did not make the phases more alike (SSIM {ssim}, before {before})"
        warnings.append(f"The {last.mode} registration {reason}, so the result is that of mode {best.mode}.")
    if best.ssim <= UNRELATED_SSIM:
        warnings.append("The phases have nearly nothing in common; check that they belong to the same exam.")
    return Choice(best, tuple(warnings), ())
