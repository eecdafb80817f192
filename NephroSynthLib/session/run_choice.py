"""The volumes that a user chose for a run, and the reasons why a run cannot start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

INPUTS = ("noncontrast", "excretory", "nephrographic")
"""The phases that go into a run. The last one is optional."""


class RunProblem(Enum):
    """The reason why a run cannot start."""

    NO_NONCONTRAST = "no-noncontrast"
    NO_EXCRETORY = "no-excretory"
    SAME_PHASE_TWICE = "same-phase-twice"
    LANDMARKS_NOT_PAIRED = "landmarks-not-paired"
    OUTPUT_NOT_SEPARATE = "output-not-separate"
    INPUT_UNDER_OUTPUT_TRANSFORM = "input-under-output-transform"


@dataclass(frozen=True)
class RunChoice:
    """The chosen nodes of a run, by their IDs.

    Attributes:
        inputs: The phases, by the names in `INPUTS`. None for a phase that is not chosen.
        kidneys: The kidneys of the user, if there are any.
        outputs: The volumes and the segmentation to overwrite, without None.
        transform: The transform to overwrite, if there is one.
        parents: All transforms above the inputs.
        landmarks: The number of landmarks in the non-contrast and in the excretory phase. None for a phase without.

    Example:
        >>> RunChoice({"noncontrast": "A"}).problem()
        <RunProblem.NO_EXCRETORY: 'no-excretory'>
    """

    inputs: Mapping[str, str | None]
    kidneys: str | None = None
    outputs: Collection[str] = ()
    transform: str | None = None
    parents: Collection[str] = field(default=frozenset())
    landmarks: tuple[int | None, int | None] = (None, None)

    def problem(self) -> RunProblem | None:
        """The first reason why a run of this choice cannot start, or None."""
        if self.inputs.get("noncontrast") is None:
            return RunProblem.NO_NONCONTRAST
        if self.inputs.get("excretory") is None:
            return RunProblem.NO_EXCRETORY
        phases = [node for node in self.inputs.values() if node is not None]
        if _repeats(phases):
            return RunProblem.SAME_PHASE_TWICE
        if self.landmarks[0] != self.landmarks[1]:
            return RunProblem.LANDMARKS_NOT_PAIRED
        kidneys = [self.kidneys] if self.kidneys is not None else []
        if _repeats([*phases, *kidneys, *self.outputs]):
            return RunProblem.OUTPUT_NOT_SEPARATE
        if self.transform in self.parents:
            return RunProblem.INPUT_UNDER_OUTPUT_TRANSFORM
        return None


def _repeats(nodes: Collection[str]) -> bool:
    return len(set(nodes)) < len(nodes)
