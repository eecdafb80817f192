"""Pictures whose pixels, names and files tell nothing about their origin."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from NephroSynthLib.reader_study.blinded_picture import BlindedPicture, Window, blinded_pictures
from NephroSynthLib.reader_study.paired_slices import PairedSlice

WINDOW = Window(400.0, 50.0)


def drawn(seed: int = 5, count: int = 20, pixel_mm: tuple[float, float] = (0.8, 0.8)) -> list[BlindedPicture]:
    generator = np.random.default_rng(0)
    slices = [
        PairedSlice(f"patient-{n}", n, *generator.normal(50, 80, (2, 30, 40)).astype(np.float32), pixel_mm)
        for n in range(count)
    ]
    return blinded_pictures(slices, WINDOW, False, seed)


def pixels(picture: BlindedPicture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)))


def test_a_picture_shows_its_slice_in_the_window() -> None:
    hu = np.array([[-500, -150, 50, 250, 900]] * 4, np.float32)
    pictures = blinded_pictures([PairedSlice("a", 7, hu, hu + 100, (1.0, 1.0))], WINDOW, False, 0)
    by_origin = {one.key.origin: pixels(one)[0].tolist() for one in pictures}
    assert by_origin == {"real": [0, 0, 128, 255, 255], "synthetic": [0, 64, 191, 255, 255]}
    assert {(one.key.exam, one.key.slice) for one in pictures} == {("a", 7)}


def test_every_slice_is_there_as_both_in_a_random_order() -> None:
    pictures = drawn()
    assert [one.name for one in pictures] == [f"p{n:03}" for n in range(1, 41)]
    assert len({(one.key.exam, one.key.origin) for one in pictures}) == 40
    real = [n for n, one in enumerate(pictures) if one.key.origin == "real"]
    assert 10 < np.mean(real) < 30
    exams = [int(one.key.exam[8:]) for one in pictures]
    assert abs(np.corrcoef(exams, range(40))[0, 1]) < 0.4
    assert [one.key for one in drawn(seed=6)] != [one.key for one in pictures]
    assert [one.png for one in drawn()] == [one.png for one in pictures]


def test_files_hold_nothing_but_pixels() -> None:
    for one in drawn(count=2):
        kinds, place = set(), 8
        while place < len(one.png):
            length, kind = struct.unpack(">I4s", one.png[place : place + 8])
            kinds.add(kind)
            place += length + 12
        assert kinds == {b"IHDR", b"IDAT", b"IEND"}
        assert b"patient" not in one.png


@pytest.mark.parametrize(("pixel_mm", "size"), [((0.8, 0.8), (40, 30)), ((1.6, 0.8), (40, 60)), ((0.5, 1.0), (80, 30))])
def test_pixels_are_square(pixel_mm: tuple[float, float], size: tuple[int, int]) -> None:
    assert {Image.open(io.BytesIO(one.png)).size for one in drawn(count=1, pixel_mm=pixel_mm)} == {size}


def test_equal_noise_changes_one_picture_of_each_pair() -> None:
    generator = np.random.default_rng(0)
    real, smooth = (generator.normal(50, sd, (30, 40)).astype(np.float32) for sd in (20, 1))
    one = [PairedSlice("a", 0, real, smooth, (1.0, 1.0))]
    plain, equal = ({p.key.origin: p.png for p in blinded_pictures(one, WINDOW, noise, 0)} for noise in (False, True))
    assert plain["real"] == equal["real"]
    assert plain["synthetic"] != equal["synthetic"]
