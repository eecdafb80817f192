from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.acquisition import Protocol, acquire, correlated_noise, draw_protocol
from NephroSynthLib.simulation.reference_grid import Grid

GRID = Grid((24, 128, 128), (0.9, 0.9, 2.0), (0.0, 0.0, 0.0))


@pytest.fixture
def protocol() -> Protocol:
    plain = draw_protocol(np.random.default_rng(0), GRID)
    return replace(
        plain, streaks=0.0, bias_hu=0.0, offset_hu=0.0, noise_hu=20.0, noise_peak=0.25, blur_mm=0.4, enhancement=0.0
    )


def test_noise_has_zero_mean_unit_spread_and_is_correlated(protocol: Protocol) -> None:
    noise = correlated_noise(np.random.default_rng(1), protocol)
    assert abs(float(noise.mean())) < 0.02
    assert float(noise.std()) == pytest.approx(1.0, abs=0.01)
    for axis in range(3):
        a, b = noise.narrow(axis, 0, noise.shape[axis] - 1), noise.narrow(axis, 1, noise.shape[axis] - 1)
        assert float((a * b).mean()) > 0.1


def test_noise_power_peaks_where_the_kernel_puts_it(protocol: Protocol) -> None:
    noise = correlated_noise(np.random.default_rng(2), protocol)
    power = (torch.fft.fft2(noise).abs() ** 2).mean(dim=0).numpy()
    frequency = np.fft.fftfreq(128, 0.9)
    radial = np.hypot(frequency[:, None], frequency[None, :])
    edges = np.arange(0.02, 0.55, 0.03)
    mean = [power[(radial >= a) & (radial < a + 0.03)].mean() for a in edges]
    assert edges[int(np.argmax(mean))] + 0.015 == pytest.approx(protocol.noise_peak, abs=0.06)


def test_streaks_run_along_the_rows(protocol: Protocol) -> None:
    noise = correlated_noise(np.random.default_rng(3), replace(protocol, streaks=2.5))
    along_x = float((noise[:, :, :-6] * noise[:, :, 6:]).mean())
    along_y = float((noise[:, :-6] * noise[:, 6:]).mean())
    assert along_x > along_y + 0.05


def test_uniform_tissue_keeps_its_mean_and_gets_the_noise(protocol: Protocol) -> None:
    clean = torch.full(GRID.shape, 40.0)
    seen = acquire(np.random.default_rng(4), clean, protocol)
    assert float(seen.mean()) == pytest.approx(40.0, abs=0.5)
    assert float(seen.std()) == pytest.approx(20.0, rel=0.25)
    assert torch.equal(seen, seen.round())


def test_noise_is_stronger_deep_in_the_body(protocol: Protocol) -> None:
    clean = torch.full(GRID.shape, -1000.0)
    clean[:, 24:104, 24:104] = 40.0
    seen = acquire(np.random.default_rng(5), clean, protocol)
    assert float(seen[:, 60:68, 60:68].std()) > float(seen[:, 28:36, 28:36].std())
