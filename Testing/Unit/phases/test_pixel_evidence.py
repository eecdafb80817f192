from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.phases.pixel_evidence import (
    Attenuation,
    compare,
    image_evidence,
    measure,
    with_kidney_gain,
    with_kidneys,
)


def shifted(image: sitk.Image, millimetres: tuple[float, float, float]) -> sitk.Image:
    moved = sitk.Image(image)
    moved.SetOrigin([origin + shift for origin, shift in zip(image.GetOrigin(), millimetres, strict=True)])
    return moved


def test_contrast_raises_the_level_of_the_brightest_tissue(measured: dict[str, Attenuation]) -> None:
    assert measured["noncontrast"].level < measured["excretory"].level
    assert measured["noncontrast"].level < measured["nephrographic"].level
    assert measured["noncontrast"].grid.GetSpacing() == (3.0, 3.0, 3.0)


def test_orientation_and_position_do_not_change_the_measurement(urography: dict[str, sitk.Image]) -> None:
    image = urography["excretory"]
    flipped = sitk.Flip(image, [True, True, False])  # the same points in space, stored the other way round
    plain, other = measure(image), measure(flipped)
    assert other.level == pytest.approx(plain.level, abs=2.0)
    assert other.abdomen_mm == plain.abdomen_mm
    assert measure(shifted(image, (300.0, -200.0, 900.0))).level == pytest.approx(plain.level, abs=0.01)


def test_a_comparison_changes_its_sign_when_the_images_change_places(measured: dict[str, Attenuation]) -> None:
    forward = compare(measured["excretory"], measured["noncontrast"])
    backward = compare(measured["noncontrast"], measured["excretory"])
    assert forward is not None
    assert backward is not None
    assert forward.gain > 20
    assert backward.gain == pytest.approx(-forward.gain, rel=0.3)  # each is measured on the grid of its first image
    assert backward.wide_gain == pytest.approx(forward.wide_loss, abs=5)
    assert forward.urine > 0.5
    assert backward.urine < -0.5


def test_an_image_compared_with_itself_gains_nothing(measured: dict[str, Attenuation]) -> None:
    same = compare(measured["excretory"], measured["excretory"])
    assert same is not None
    assert (same.gain, same.urine, same.urine_ml) == (0.0, 0.0, 0.0)


def test_images_that_hardly_overlap_are_not_compared(urography: dict[str, sitk.Image]) -> None:
    one, far = measure(urography["excretory"]), measure(shifted(urography["excretory"], (0.0, 0.0, 130.0)))
    assert compare(one, far) is None


def test_kidneys_add_their_attenuation_and_their_gain(
    urography: dict[str, sitk.Image], measured: dict[str, Attenuation]
) -> None:
    def segment(image: sitk.Image) -> sitk.Image:
        return sitk.Resample(urography["kidneys"], image, sitk.Transform(), sitk.sitkNearestNeighbor)

    one, other = (with_kidneys(measured[phase], segment) for phase in ("nephrographic", "noncontrast"))
    assert one.kidneys is not None
    assert other.kidneys is not None
    compared = compare(one, other)
    assert compared is not None
    assert compared.kidney_gain is None
    assert with_kidney_gain(compared, measured["nephrographic"], other) is compared
    gain = with_kidney_gain(compared, one, other).kidney_gain
    assert gain == one.kidneys.hu - other.kidneys.hu
    assert gain > 50
    [evidence] = image_evidence(other)
    assert evidence.favours == (Phase.NONCONTRAST,)


def test_an_image_without_kidneys_or_with_little_abdomen_is_probably_no_phase(
    measured: dict[str, Attenuation], urography: dict[str, sitk.Image]
) -> None:
    none = with_kidneys(measured["excretory"], lambda image: sitk.Cast(image * 0, sitk.sitkUInt8))
    assert none.kidneys is None
    assert image_evidence(none)[-1].favours == (Phase.OTHER,)
    short = measure(urography["excretory"][:, :, 3:9])
    assert short.abdomen_mm < 60
    assert image_evidence(short)[-1].favours == (Phase.OTHER,)


def test_air_has_no_tissue() -> None:
    air = sitk.GetImageFromArray(np.full((20, 40, 40), -1000, np.float32))
    air.SetSpacing((4.0, 4.0, 4.0))
    measured = measure(air)
    assert measured.level == -200.0  # the lowest HU of compact tissue
    assert compare(measured, measured) is None
