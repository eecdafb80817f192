from __future__ import annotations

from collections.abc import Callable

from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.pixel_evidence import compare


def test_a_pair_is_compared_once_and_as_compare_does(candidate: Callable[..., Candidate]) -> None:
    one, other = candidate("excretory"), candidate("noncontrast")
    comparisons = Comparisons([one, other])
    made = comparisons(0, 1)
    assert made == compare(one.measured, other.measured)
    assert comparisons(0, 1) is made


def test_only_volumes_of_one_frame_of_reference_are_compared(candidate: Callable[..., Candidate]) -> None:
    pairs = (("frame", "another"), ("", ""))
    for frames in pairs:
        one, other = (candidate("excretory", frame=frame) for frame in frames)
        assert Comparisons([one, other])(0, 1) is None
