from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from NephroSynthLib.dicom.file_header import Header, Slice
from NephroSynthLib.dicom.series import Series, build_series
from NephroSynthLib.dicom.series_identity import Identity
from NephroSynthLib.dicom.stack import Plane

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def header(
    number: int,
    position: tuple[float, float, float],
    *,
    uid: str = "",
    series: str = "1.1",
    trait: str = "",
    orientation: tuple[float, ...] = AXIAL,
    frame_of_reference: str = "f",
    set_aside: str | None = None,
) -> Header:
    source = Path(f"{series}-{number}-{uid}")
    dataset = Dataset()
    dataset.SeriesNumber, dataset.SeriesDescription = 4, "  Abdomen   1.0 "
    plane = Plane(position, orientation, (0.8, 0.8), (16, 12))
    piece = Slice(source, None, uid or f"{series}.{number}", number, plane, (trait,))
    identity = Identity(study_uid="1", series=series, frame_of_reference=frame_of_reference)
    return Header(source, dataset, identity, (piece,), set_aside)


def stack(count: int, step: float = 2.0, first: int = 1, **more: object) -> list[Header]:
    return [header(first + index, (0.0, 0.0, step * index), **more) for index in range(count)]


def built(headers: Sequence[Header]) -> list[Series]:
    return build_series(headers)[0]


@given(st.permutations(range(20)))
def test_slices_make_a_volume_in_whatever_order_they_come(order: list[int]) -> None:
    headers = stack(20)
    [series] = built([headers[index] for index in order])
    assert series.why_not_volume is None
    assert [piece.number for piece in series.slices] == list(range(1, 21))
    assert series.stack is not None
    assert series.stack.size == (16, 12, 20)
    assert series.stack.spacing == (0.8, 0.8, 2.0)
    assert [str(file) for file in series.files] == [str(piece.source) for piece in series.slices]


def test_names_for_users_hold_number_part_and_distance_and_no_text_of_the_header() -> None:
    [series] = built(stack(20))
    assert (series.name, series.title) == ("4", "series 4 (20 images, 2 mm apart)")
    parts = built([*stack(20, trait="a"), *stack(20, first=21, trait="b")])
    assert [one.name for one in parts] == ["4.1", "4.2"]
    assert parts[1].title == "series 4, part 2 (20 images, 2 mm apart)"


def test_two_acquisitions_in_one_series_are_split_by_what_tells_them_apart() -> None:
    first, second = built([*stack(20, trait="before"), *stack(20, first=21, trait="after")])
    assert {piece.traits for piece in first.slices} == {("before",)}
    assert {piece.traits for piece in second.slices} == {("after",)}
    assert first.identity.series != second.identity.series
    assert first.uid == second.uid == "1.1"


def test_repeated_acquisitions_without_any_trait_are_split_by_their_turns() -> None:
    parts = built([*stack(20), *stack(20, first=21)])
    assert [[piece.number for piece in part.slices] for part in parts] == [list(range(1, 21)), list(range(21, 41))]


def test_one_regular_stack_stays_whole_whatever_its_traits() -> None:
    headers = [header(index, (0.0, 0.0, 2.0 * index), trait=str(index % 3)) for index in range(20)]
    [series] = built(headers)
    assert series.part == 0
    assert series.why_not_volume is None


def test_other_orientations_and_frames_of_reference_are_other_volumes() -> None:
    coronal = [header(50 + k, (0.0, 2.0 * k, 0.0), orientation=CORONAL) for k in range(20)]
    axial, reformat = built([*stack(20), *coronal])
    assert axial.why_not_volume is None
    assert reformat.why_not_volume == "reformat, made from another series"
    assert reformat.is_derived_volume
    moved = stack(20, first=21, frame_of_reference="g")
    assert [len(one.slices) for one in built([*stack(20), *moved])] == [20, 20]


def test_a_copy_of_a_file_is_skipped() -> None:
    headers = stack(20)
    copy = header(99, (0.0, 0.0, 6.0), uid="1.1.4")
    series, skipped = build_series([*headers, copy])
    assert [len(one.slices) for one in series] == [20]
    assert [(str(one.path), one.reason) for one in skipped] == [(str(copy.source), "a copy of another file")]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (stack(1), "a single slice"),
        (stack(15), "only 15 slices"),
        ([*stack(9), *[header(30 + k, (0.0, 0.0, 20.0 + 2.0 * k)) for k in range(9)]], "missing slices"),
        (stack(20, set_aside="computed from several energies"), "computed from several energies"),
    ],
)
def test_why_slices_are_no_volume(headers: list[Header], reason: str) -> None:
    [series] = built(headers)
    assert series.why_not_volume is not None
    assert series.why_not_volume.startswith(reason)


def test_objects_without_slices_say_why_they_are_set_aside() -> None:
    empty = Header(Path("dose"), Dataset(), Identity(series="1.9"), (), "radiation dose report")
    [series] = built([empty])
    assert series.why_not_volume == "radiation dose report"
    assert series.files == (Path("dose"),)
    assert series.title == "series without a number (1 image)"
