"""The pictures of a report, from phases and kidneys on any grid."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from NephroSynthLib.imaging.grids import box_around
from NephroSynthLib.report import figures
from NephroSynthLib.report.figures import NONCONTRAST, SYNTHETIC, Views, make_views


@pytest.fixture(scope="module")
def views(phantom: Callable[..., sitk.Image]) -> Views:
    image = phantom()
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    depth, rows, columns = labels.shape
    labels[depth // 3 : -depth // 3, rows // 3 : -rows // 3, columns // 5 : columns // 3] = 1
    labels[depth // 3 : -depth // 3, rows // 3 : -rows // 3, -columns // 3 : -columns // 5] = 2
    kidneys = sitk.GetImageFromArray(labels)
    kidneys.CopyInformation(image)
    region = box_around(labels > 0, image.GetSpacing(), 10.0)
    return make_views({NONCONTRAST: image, SYNTHETIC: phantom(contrast=True)}, kidneys, region)


def shape(png: bytes) -> tuple[int, ...]:
    return np.asarray(Image.open(io.BytesIO(png))).shape


def test_the_region_of_the_model_is_marked(views: Views) -> None:
    region, kidneys = (sitk.GetArrayViewFromImage(image) for image in (views.region, views.kidneys))
    assert set(np.unique(region)) == {0, 1}
    assert region[kidneys > 0].all()


@pytest.mark.parametrize("make", [figures.phases_figure, figures.outlines_figure])
def test_pictures_are_drawn_without_an_acquired_phase(views: Views, make: Callable[[Views], bytes]) -> None:
    assert shape(make(views))[1] == 1800


def test_a_checkerboard_takes_each_pixel_from_one_of_both() -> None:
    board = figures._checkerboard(np.zeros((100, 100)), np.ones((100, 100)))
    assert 0.4 < board.mean() < 0.6
    assert set(np.unique(board)) == {0, 1}


def test_equal_pictures_overlay_to_grey() -> None:
    picture = np.linspace(-150, 250, 100).reshape(10, 10)
    overlay = figures._overlay(picture, picture)
    np.testing.assert_allclose(overlay, overlay[..., :1].repeat(3, axis=-1))


def test_a_histogram_comes_on_both_grounds(views: Views) -> None:
    light, dark = (figures.histogram_figure(views, dark=dark) for dark in (False, True))
    assert shape(light) == shape(dark)
    assert light != dark
