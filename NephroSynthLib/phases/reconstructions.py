"""Which volumes are reconstructions of one acquisition, with other slices or another kernel."""

from __future__ import annotations

from collections.abc import Sequence

from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.timing import acquired_at

SAME_URINE = 0.5
_SAME_GAIN_HU = 12.0
_SHARP_KERNELS = ("BONE", "LUNG", "EDGE", "SHARP")
_SHARP_NUMBER = 50  # as in B60f or Br59


def by_time(candidate: Candidate) -> tuple[str, int]:
    """Returns the key by which candidates are sorted: time of acquisition, then number; without a time, first."""
    return str((candidate.header is not None and acquired_at(candidate.header)) or ""), candidate.number


def group_reconstructions(candidates: Sequence[Candidate], comparisons: Comparisons) -> list[list[int]]:
    """Groups candidates by acquisition.

    Two candidates belong together if their headers name the same time and their images hardly differ.

    Args:
        candidates: The volumes of one exam.
        comparisons: Their comparisons.

    Returns:
        A list of places in `candidates` for each acquisition, in the order of time. The first of each list is the one
        to use: that with a soft kernel, and of these the one with the thinnest slices.
    """
    groups: list[list[int]] = []
    for place in range(len(candidates)):
        group = next((group for group in groups if _same_acquisition(group[0], place, candidates, comparisons)), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    for group in groups:
        group.sort(key=lambda place: _by_use(candidates[place]))
    return sorted(groups, key=lambda group: by_time(candidates[group[0]]))


def _same_acquisition(first: int, second: int, candidates: Sequence[Candidate], comparisons: Comparisons) -> bool:
    headers = candidates[first].header, candidates[second].header
    times = [None if header is None else acquired_at(header) for header in headers]
    if times[0] is None or times[0] != times[1]:
        return False
    comparison = comparisons(first, second)
    return comparison is not None and abs(comparison.gain) < _SAME_GAIN_HU and abs(comparison.urine) < SAME_URINE


def _by_use(candidate: Candidate) -> tuple[bool, float, int]:
    return _has_sharp_kernel(candidate), candidate.slice_mm, candidate.number


def _has_sharp_kernel(candidate: Candidate) -> bool:
    """Tells whether the kernel is one for bone or lung, by its name or its number."""
    kernel = "" if candidate.header is None else str(candidate.header.get("ConvolutionKernel") or "").upper()
    number = "".join(filter(str.isdigit, kernel))[:2]
    return any(word in kernel for word in _SHARP_KERNELS) or (number.isdigit() and int(number) >= _SHARP_NUMBER)
