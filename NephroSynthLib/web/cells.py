"""The contents of the views: a phase in each, or a comparison of two phases, as a table of cells without any widget."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

PHASES = {
    "noncontrast": "Non-contrast",
    "excretory": "Excretory, registered",
    "synthetic": "Synthetic nephrographic",
    "acquired": "Acquired nephrographic",
}
"""The phases by their role, in the order in which they are shown, with their titles."""

FADE, FLICKER, CHECKERBOARD, DIFFERENCE, UNCERTAINTY = "fade", "flicker", "checkerboard", "difference", "uncertainty"
COMPARISONS = {
    FADE: "Fade",
    FLICKER: "Flicker",
    CHECKERBOARD: "Checkerboard",
    DIFFERENCE: "Difference",
    UNCERTAINTY: "Uncertainty",
}
PLANES = ("Axial", "Coronal", "Sagittal")
PHASE_VIEWS = ("View1", "View2", "View3", "View4")
PLANE_VIEWS = ("ViewAxial", "ViewCoronal", "ViewSagittal")
THREE_D_VIEW = "ViewThreeD"
SIDE_BY_SIDE, THREE_PLANES, ONE = "phases", "planes", "one"
MARK = "SYNTHETIC · research only"


@dataclass(frozen=True)
class Cell:
    """The content of a slice view.

    Attributes:
        title: The words above it.
        background: The role of the lower volume.
        foreground: The role of the upper volume; empty for none.
        opacity: The opacity of the upper volume, in [0, 1].
        synthetic: Whether it shows anything that a model made.
    """

    title: str
    background: str
    foreground: str = ""
    opacity: float = 0.0
    synthetic: bool = False


@dataclass(frozen=True)
class Choice:
    """The wish of a person: a layout and its contents.

    Attributes:
        layout: `SIDE_BY_SIDE`, `THREE_PLANES` or `ONE`.
        plane: The plane of phases side by side, and of one view.
        content: A role of `PHASES` or a name of `COMPARISONS`, for three planes and one view.
        first: The phase that a comparison begins with.
        second: The phase that it is compared with.
        fade: The share of the second phase, or of colours, in [0, 1].
        flipped: Whether flicker shows the second phase now.
    """

    layout: str = SIDE_BY_SIDE
    plane: str = "Axial"
    content: str = "synthetic"
    first: str = "noncontrast"
    second: str = "excretory"
    fade: float = 0.5
    flipped: bool = False


def phases_of(roles: Collection[str]) -> list[str]:
    """Returns the phases among some roles, in their order."""
    return [role for role in PHASES if role in roles]


def contents_of(roles: Collection[str]) -> dict[str, str]:
    """Returns all contents with their titles: the phases, then the comparisons for which there is a volume."""
    phases = phases_of(roles)
    found = {role: PHASES[role] for role in phases}
    if len(phases) > 1:
        found |= {name: COMPARISONS[name] for name in (FADE, FLICKER, CHECKERBOARD)}
    if "synthetic" in phases and len(phases) > 1:
        found[DIFFERENCE] = COMPARISONS[DIFFERENCE]
    if UNCERTAINTY in roles:
        found[UNCERTAINTY] = COMPARISONS[UNCERTAINTY]
    return found


def pair_of(choice: Choice, roles: Collection[str]) -> tuple[str, str]:
    """Returns the two phases of a comparison: those that are chosen, or others where there are no such ones.

    A difference is always that of the synthetic phase to another one, for its colours say so.
    """
    phases = phases_of(roles)
    if choice.content == DIFFERENCE:
        others = [role for role in (choice.second, "acquired", "excretory", *phases) if role in phases]
        return "synthetic", next(role for role in others if role != "synthetic")
    first = choice.first if choice.first in phases else phases[0]
    seconds = [role for role in (choice.second, *phases) if role in phases]
    return first, next((role for role in seconds if role != first), first)


def cells_of(choice: Choice, roles: Collection[str]) -> dict[str, Cell]:
    """Returns the cell of each slice view of a layout, in order.

    Args:
        choice: The wish. A content without a volume is replaced by the synthetic phase.
        roles: The volumes that the exam has.
    """
    if choice.layout == SIDE_BY_SIDE:
        return {view: _phase(role) for view, role in zip(PHASE_VIEWS, phases_of(roles), strict=False)}
    views = PLANE_VIEWS if choice.layout == THREE_PLANES else PHASE_VIEWS[:1]
    return dict.fromkeys(views, _content(choice, roles))


def _content(choice: Choice, roles: Collection[str]) -> Cell:
    if choice.content not in contents_of(roles):
        return _phase("synthetic")
    if choice.content in PHASES:
        return _phase(choice.content)
    if choice.content == UNCERTAINTY:
        return Cell("Uncertainty over synthetic", "synthetic", UNCERTAINTY, choice.fade, synthetic=True)
    first, second = pair_of(choice, roles)
    synthetic = "synthetic" in (first, second)
    names = f"{PHASES[first]} and {PHASES[second].lower()}"
    if choice.content == DIFFERENCE:
        return Cell(f"Synthetic − {PHASES[second].lower()}", "synthetic", DIFFERENCE, choice.fade, synthetic)
    if choice.content == CHECKERBOARD:
        return Cell(f"Checkerboard: {names}", CHECKERBOARD, synthetic=synthetic)
    if choice.content == FLICKER:
        shown = PHASES[second if choice.flipped else first]
        return Cell(f"Flicker: {shown}", first, second, float(choice.flipped), synthetic)
    return Cell(f"Fade: {names}", first, second, choice.fade, synthetic)


def _phase(role: str) -> Cell:
    return Cell(PHASES[role], role, synthetic=role == "synthetic")
