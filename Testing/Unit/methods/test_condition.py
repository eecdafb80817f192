from __future__ import annotations

import numpy as np

from NephroSynthLib.methods.condition import TOLD_SPACING_MM, condition_channels, exam_context


def test_channels_are_both_windows_and_the_density_beyond() -> None:
    noncontrast, excretory = np.full((2, 2, 2), 50.0), np.array([-1024, 250, 3000, 5000] * 2, float).reshape(2, 2, 2)

    channels = condition_channels(noncontrast, excretory)

    assert channels.shape == (3, 2, 2, 2)
    assert channels.dtype == np.float32
    assert np.all(channels[0] == 0)
    np.testing.assert_allclose(channels[1].ravel()[:4], [-1, 1, 1, 1])
    np.testing.assert_allclose(channels[2].ravel()[:4], [-1, -1, 1, 1], atol=1e-6)


def test_density_rises_with_hu() -> None:
    hu = np.linspace(250, 3000, 50).reshape(1, 1, 50)
    assert np.all(np.diff(condition_channels(hu, hu)[2].ravel()) > 0)


def test_context_holds_the_logarithm_of_the_voxel_size_that_every_exam_is_told() -> None:
    np.testing.assert_allclose(np.exp(exam_context(None)[:3]), TOLD_SPACING_MM, rtol=1e-6)


def test_context_tells_the_delay_within_what_training_saw_and_whether_it_is_known() -> None:
    told = {delay: exam_context(delay)[3:].tolist() for delay in (None, 60, 300, 600, 900, 3600)}
    assert told[None] == [0, 0]
    assert told[600] == [0, 1]
    assert told[300][0] < 0 < told[900][0]
    assert told[60] == told[300]
    assert told[3600] == told[900]
