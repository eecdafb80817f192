from __future__ import annotations

import numpy as np
import torch
from scipy.interpolate import BSpline

from NephroSynthLib.simulation.splines import cubic_weights, smooth_noise, tensor_product


def test_cubic_weights_are_those_of_scipy() -> None:
    positions = np.linspace(2.0, 6.0, 41)
    kernel = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)
    expected = np.nan_to_num(kernel(positions[:, None] - np.arange(9)[None, :]))
    np.testing.assert_allclose(cubic_weights(torch.from_numpy(positions), 9).numpy(), expected, atol=1e-12)


def test_tensor_product_is_the_triple_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    coefficients = torch.randn(2, 3, 4, 5, generator=generator)
    wz, wy, wx = (torch.randn(n, k, generator=generator) for n, k in ((6, 3), (7, 4), (8, 5)))
    expected = torch.einsum("ckji,zk,yj,xi->czyx", coefficients, wz, wy, wx)
    torch.testing.assert_close(tensor_product(coefficients, (wz, wy, wx)), expected, atol=1e-4, rtol=1e-4)


def test_noise_has_unit_spread_and_varies_over_its_cell() -> None:
    axes = tuple(torch.arange(n) * 2.0 for n in (60, 60, 60))
    noise = smooth_noise(np.random.default_rng(1), (axes[0], axes[1], axes[2]), 8.0)
    assert abs(float(noise.std()) - 1.0) < 0.1
    near = torch.corrcoef(torch.stack([noise[:-1].flatten(), noise[1:].flatten()]))[0, 1]
    far = torch.corrcoef(torch.stack([noise[:-20].flatten(), noise[20:].flatten()]))[0, 1]
    assert near > 0.9
    assert abs(far) < 0.1
