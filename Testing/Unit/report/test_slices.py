"""The slices of a report show the right place and HU, and stay small whatever the size of the exam."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.report import slices
from NephroSynthLib.report.planes import find_anatomy
from NephroSynthLib.report.slices import HIGHEST_HU, LOWEST_HU, slice_stack


def hu_of(uri: str) -> NDArray[np.float64]:
    """The HU (row, column) of one picture."""
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))), dtype=float)
    return LOWEST_HU + grey * (HIGHEST_HU - LOWEST_HU) / 255


def test_a_picture_holds_the_hu_of_its_plane(drawn: SimpleNamespace) -> None:
    anatomy = find_anatomy(drawn.noncontrast, drawn.kidneys)
    stack = slice_stack({"non-contrast": drawn.noncontrast}, anatomy)
    pictures = stack.phases["non-contrast"]
    shown = hu_of(pictures[stack.first])
    assert shown.shape == (stack.height, stack.width)
    for side, centre in anatomy.centroids.items():
        column, row = ((centre[:2] - anatomy.body.lower[:2]) / stack.pixel_mm).astype(int)
        point = (float(centre[0]), float(centre[1]), anatomy.axial_z)
        expected = drawn.noncontrast[drawn.noncontrast.TransformPhysicalPointToIndex(point)]
        seen = shown[row - 2 : row + 3, column - 2 : column + 3].mean()
        assert seen == pytest.approx(expected, abs=40), side
    kidneys_mm = anatomy.both_kidneys.upper[2] - anatomy.both_kidneys.lower[2]
    assert len(pictures) * stack.step_mm >= kidneys_mm


def test_all_phases_have_the_same_slices_even_where_one_ends(drawn: SimpleNamespace) -> None:
    short = drawn.excretory[:, :, : drawn.excretory.GetSize()[2] // 2]
    anatomy = find_anatomy(drawn.noncontrast, drawn.kidneys)
    stack = slice_stack({"whole": drawn.noncontrast, "short": short}, anatomy)
    assert len({len(pictures) for pictures in stack.phases.values()}) == 1
    assert hu_of(stack.phases["short"][-1]).max() == pytest.approx(LOWEST_HU, abs=20)


def test_pictures_that_would_be_too_large_are_compressed_more(
    drawn: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    anatomy = find_anatomy(drawn.noncontrast, drawn.kidneys)
    noise = sitk.AdditiveGaussianNoise(drawn.noncontrast, 80.0)

    def size() -> int:
        return sum(map(len, slice_stack({"noise": noise}, anatomy).phases["noise"]))

    before = size()
    monkeypatch.setattr(slices, "_MOST_BYTES", before // 2)
    assert size() <= 0.6 * before
