from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from NephroSynthLib.networks.equalized import BatchDeviation, EqualizedConv, EqualizedLinear, PixelNorm, half, twice


def test_weights_are_scaled_by_the_constant_of_he() -> None:
    torch.manual_seed(0)
    conv, x = EqualizedConv(6, 4), torch.randn(2, 6, 5, 5)
    torch.testing.assert_close(conv(x), F.conv2d(x, conv.weight * (2 / (6 * 9)) ** 0.5, padding=1))
    linear, v = EqualizedLinear(50, 2000, gain=1.0, rate=0.01, bias=1.0), torch.randn(20, 50)
    assert float(linear.weight.detach().std()) == pytest.approx(100, rel=0.02)  # so a step of Adam moves it by 1 %
    assert float((linear(v) - 1).detach().std()) == pytest.approx(1, rel=0.1)
    torch.testing.assert_close(linear(torch.zeros(1, 50)), torch.ones(1, 2000))


def test_adam_moves_all_layers_at_one_speed() -> None:
    torch.manual_seed(0)
    changes = []
    for width in (4, 400):
        layer = EqualizedLinear(width, 3)
        before = layer.weight.detach() * layer.scale
        optimizer = torch.optim.Adam(layer.parameters(), 0.1)
        layer(torch.randn(8, width)).sum().backward()
        optimizer.step()
        changes.append(float((layer.weight.detach() * layer.scale - before).norm() / before.norm()))
    assert changes[0] == pytest.approx(changes[1], rel=0.4)  # by plain weights it would differ tenfold


def test_features_of_a_pixel_get_a_mean_square_of_one() -> None:
    x = 5 * torch.randn(2, 7, 3, 3)
    torch.testing.assert_close(PixelNorm()(x).square().mean(1), torch.ones(2, 3, 3))


def test_the_spread_over_the_batch_is_one_more_channel() -> None:
    x = torch.randn(5, 3, 4, 4)
    found = BatchDeviation()(x)
    torch.testing.assert_close(found[:, :3], x)
    np.testing.assert_allclose(found[:, 3], float(np.std(x.numpy(), axis=0).mean()), rtol=1e-4)


def test_halving_takes_doubling_back() -> None:
    x = torch.randn(1, 2, 4, 6)
    assert twice(x).shape == (1, 2, 8, 12)
    torch.testing.assert_close(half(twice(x)), x)
