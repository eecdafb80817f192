"""A volume whose phase is looked for, and its comparison with the other volumes of the exam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from NephroSynthLib.phases.evidence import Tags
from NephroSynthLib.phases.pixel_evidence import Attenuation, Comparison, compare


@dataclass(frozen=True)
class Candidate:
    """A volume whose phase is looked for, whether it comes from DICOM files or from a scene.

    Attributes:
        title: The volume with its details, as questions name it: "series 3 (120 images, 1 mm apart)".
        name: The volume in few words, as comparisons name it: "series 3". If empty, they name it by its phase.
        measured: Its measured image.
        frame_of_reference: Volumes with the same one are compared; a volume with an empty one is compared with none.
        header: Its DICOM header; None where it has none.
        description: Words about it, read where it has no header.
        slice_mm: Slice spacing in mm.
        number: Its place among volumes of the same time.
    """

    title: str
    name: str
    measured: Attenuation
    frame_of_reference: str
    header: Tags | None = None
    description: str = ""
    slice_mm: float = 0.0
    number: int = 0


class Comparisons:
    """Compares the candidates of one exam in pairs, each pair once, when it is first asked for."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = tuple(candidates)
        self._made: dict[tuple[int, int], Comparison | None] = {}

    def __call__(self, first: int, second: int) -> Comparison | None:
        """Compares two candidates.

        Args:
            first: Place of the one in the list of candidates.
            second: Place of the other.

        Returns:
            The comparison; None where the two have no common frame of reference or hardly overlap.
        """
        if (first, second) not in self._made:
            one, other = self._candidates[first], self._candidates[second]
            same_frame = one.frame_of_reference == other.frame_of_reference != ""
            self._made[first, second] = compare(one.measured, other.measured) if same_frame else None
        return self._made[first, second]
