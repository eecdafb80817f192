from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods.condition import (
    CONDITION_CHANNELS,
    CONTEXT_FEATURES,
    condition_channels,
    exam_context,
)
from NephroSynthLib.methods.method import Case, Contrast


def contrast(kidney: float) -> Contrast:
    late = np.array([{"cortex": 0.8 * kidney, "medulla": 1.2 * kidney}.get(name, 40.0) for name in COMPARTMENTS])
    return Contrast(excretory=late, nephrographic=2 * late)


def case(noncontrast: np.ndarray, excretory: np.ndarray, kidney: float = 100.0) -> Case:
    return Case(noncontrast.astype(np.float32), excretory.astype(np.float32), (1.0, 1.0, 2.0), contrast(kidney))


def test_channels_are_both_windows_the_density_beyond_and_the_relative_enhancement() -> None:
    noncontrast, excretory = np.full((2, 2, 2), 50.0), np.array([-1024, 250, 3000, 5000] * 2, float).reshape(2, 2, 2)
    channels = condition_channels(case(noncontrast, excretory))
    assert channels.shape == (CONDITION_CHANNELS, 2, 2, 2)
    assert channels.dtype == np.float32
    assert np.all(channels[0] == 0)
    np.testing.assert_allclose(channels[1].ravel()[:4], [-1, 1, 1, 1])
    np.testing.assert_allclose(channels[2].ravel()[:4], [-1, -1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(channels[3].ravel()[:4], [-1, 2, 3, 3])


def test_density_rises_with_hu() -> None:
    hu = np.linspace(250, 3000, 50).reshape(1, 1, 50)
    assert np.all(np.diff(condition_channels(case(hu, hu))[2].ravel()) > 0)


@pytest.mark.parametrize("dose", [0.5, 1.0, 1.7])
def test_the_relative_enhancement_does_not_depend_on_the_dose(dose: float) -> None:
    before = np.full((1, 2, 3), 30.0)
    enhanced = np.arange(6.0).reshape(1, 2, 3) * 20
    usual, other = (condition_channels(case(before, before + d * enhanced, d * 100))[3] for d in (1.0, dose))
    np.testing.assert_allclose(usual, other, rtol=1e-5)


def test_kidneys_that_hardly_enhance_do_not_blow_up_noise() -> None:
    before = np.zeros((1, 1, 1))
    assert condition_channels(case(before, before + 10, kidney=0.1))[3] == pytest.approx(0.5)


def test_the_context_tells_the_enhancement_of_each_compartment_in_hundreds_of_hu() -> None:
    told = exam_context(contrast(100.0))
    assert told.shape == (CONTEXT_FEATURES,)
    assert told.dtype == np.float32
    np.testing.assert_allclose(told, np.concatenate([contrast(100.0).nephrographic, contrast(100.0).excretory]) / 100)
    other = exam_context(dataclasses.replace(contrast(100.0), nephrographic=contrast(50.0).nephrographic))
    assert np.flatnonzero(told != other).max() < len(COMPARTMENTS)
