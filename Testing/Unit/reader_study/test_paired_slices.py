"""Slices of both volumes at the same places, through the kidneys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import GeometryError, NoKidneyError
from NephroSynthLib.reader_study.image_pair import ImagePair
from NephroSynthLib.reader_study.paired_slices import MARGIN_MM, paired_slices


@pytest.fixture
def pair(tmp_path: Path, write_exam: Callable[..., Path]) -> ImagePair:
    folder = write_exam(tmp_path / "e")
    names = ("acquired_registered.nrrd", "synthetic_nephrographic.nrrd", "kidneys.nrrd")
    return ImagePair("e", *(folder / name for name in names))


def test_slices_are_those_of_the_volumes_around_the_kidneys(pair: ImagePair) -> None:
    slices = list(paired_slices(pair, 3))
    real, synthetic = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (pair.real, pair.synthetic))
    kidneys = sitk.GetArrayFromImage(sitk.ReadImage(str(pair.kidneys))) > 0
    rows, columns = (np.flatnonzero(kidneys.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    margin = round(MARGIN_MM / 5)
    box = slice(rows[0] - margin, rows[-1] + margin + 1), slice(columns[0] - margin, columns[-1] + margin + 1)
    for one in slices:
        assert np.array_equal(one.real, real[(one.index, *box)])
        assert np.allclose(one.synthetic, synthetic[(one.index, *box)])
        assert kidneys[one.index].any()
        assert one.pixel_mm == (5.0, 5.0)
    indices = [one.index for one in slices]
    assert indices == sorted(set(indices))
    assert len(indices) == 3


def test_there_are_never_more_slices_than_the_kidneys_cross(pair: ImagePair) -> None:
    kidneys = sitk.GetArrayFromImage(sitk.ReadImage(str(pair.kidneys))) > 0
    indices = [one.index for one in paired_slices(pair, 500)]
    assert indices == np.flatnonzero(kidneys.any(axis=(1, 2))).tolist()


def test_without_kidneys_slices_are_whole_and_of_the_middle_half(pair: ImagePair) -> None:
    slices = list(paired_slices(ImagePair("e", pair.real, pair.synthetic), 500))
    assert [one.index for one in slices] == list(range(5, 15))
    assert {one.real.shape for one in slices} == {(56, 72)}


def test_the_order_of_the_stored_axes_does_not_matter(pair: ImagePair, tmp_path: Path) -> None:
    turned = []
    for path in (pair.real, pair.synthetic, pair.kidneys):
        turned.append(tmp_path / path.name)
        sitk.WriteImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "RAI"), str(turned[-1]))
    for one, other in zip(paired_slices(pair, 2), paired_slices(ImagePair("e", *turned), 2), strict=True):
        assert one.index == other.index
        assert np.array_equal(one.real, other.real)


def test_volumes_that_do_not_fit_are_refused(pair: ImagePair, tmp_path: Path) -> None:
    shifted = sitk.ReadImage(str(pair.real))
    shifted.SetOrigin((0, 0, 0))
    sitk.WriteImage(shifted, str(tmp_path / "shifted.nrrd"))
    with pytest.raises(GeometryError, match="'e' do not lie on one grid"):
        next(paired_slices(ImagePair("e", tmp_path / "shifted.nrrd", pair.synthetic), 1))
    empty = sitk.ReadImage(str(pair.kidneys)) * 0
    sitk.WriteImage(empty, str(tmp_path / "empty.nrrd"))
    with pytest.raises(NoKidneyError, match="kidney"):
        next(paired_slices(ImagePair("e", pair.real, pair.synthetic, tmp_path / "empty.nrrd"), 1))
