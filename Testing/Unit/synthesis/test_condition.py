from __future__ import annotations

import numpy as np

from NephroSynthLib.synthesis.condition import condition_channels, spacing_context


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


def test_context_is_the_logarithm_of_the_voxel_size() -> None:
    np.testing.assert_allclose(np.exp(spacing_context((0.7, 0.7, 3.0))), [0.7, 0.7, 3.0], rtol=1e-6)
