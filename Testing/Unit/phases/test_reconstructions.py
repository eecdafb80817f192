from __future__ import annotations

from collections.abc import Callable

import pytest

from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.reconstructions import by_time, group_reconstructions

Make = Callable[..., Candidate]


def at(time: str, **more: str) -> dict[str, str]:
    return {"AcquisitionDate": "20240101", "AcquisitionTime": time, **more}


def group(*candidates: Candidate) -> list[list[int]]:
    return group_reconstructions(candidates, Comparisons(candidates))


def test_the_same_image_of_the_same_time_is_one_acquisition_with_the_thin_soft_series_first(candidate: Make) -> None:
    thick = candidate("excretory", header=at("101000", ConvolutionKernel="B30f"), slice_mm=5.0, number=1)
    sharp = candidate("excretory", header=at("101000", ConvolutionKernel="B60f"), slice_mm=1.0, number=2)
    thin = candidate("excretory", header=at("101000", ConvolutionKernel="Br40"), slice_mm=1.5, number=3)
    assert group(thick, sharp, thin) == [[2, 0, 1]]


@pytest.mark.parametrize("kernel", ["BONE", "BONEPLUS", "Lung", "B70s", "Br59", "FC51 SHARP"])
def test_sharp_kernels_are_known_by_name_and_number(candidate: Make, kernel: str) -> None:
    sharp = candidate("excretory", header=at("101000", ConvolutionKernel=kernel), slice_mm=1.0)
    soft = candidate("excretory", header=at("101000", ConvolutionKernel="STANDARD"), slice_mm=5.0)
    assert group(sharp, soft) == [[1, 0]]


def test_different_times_images_frames_or_no_time_make_different_acquisitions(candidate: Make) -> None:
    first = candidate("excretory", header=at("101000"))
    later = candidate("excretory", header=at("101001"))
    other = candidate("noncontrast", header=at("101000"))
    elsewhere = candidate("excretory", frame="another", header=at("101000"))
    for second in (later, other, elsewhere):
        assert len(group(first, second)) == 2
    assert len(group(candidate("excretory", header={}), candidate("excretory", header={}))) == 2
    assert len(group(candidate("excretory"), candidate("excretory"))) == 2


def test_acquisitions_are_in_the_order_of_time_and_then_of_number(candidate: Make) -> None:
    candidates = [
        candidate("excretory", header=at("101000"), number=1),
        candidate("noncontrast", header=at("095500"), number=3),
        candidate("nephrographic", header=at("100140"), number=2),
        candidate("nephrographic", number=9),
        candidate("noncontrast", number=4),
    ]
    order = [place for group in group(*candidates) for place in group]
    assert order == [4, 3, 1, 2, 0]
    assert order == sorted(range(5), key=lambda place: by_time(candidates[place]))
