from __future__ import annotations

import torch
from torch.distributions import Normal, kl_divergence

from NephroSynthLib.networks.slice_autoencoder import SliceAutoencoder, kl_to_standard


def test_the_divergence_is_that_of_torch() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.randn(2, 5, 7)
    wanted = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard(mean, log_variance), wanted)


def test_slices_become_codes_and_codes_slices() -> None:
    network = SliceAutoencoder(3, (8, 6, 4), depth=5)
    mean, log_variance = network.encode(torch.zeros(2, 1, 1, 16, 16))
    assert mean.shape == log_variance.shape == (2, 3)
    assert network.decode(mean).shape == (2, 1, 1, 16, 16)


def test_new_series_have_the_moments_of_those_that_were_followed() -> None:
    torch.manual_seed(0)
    network = SliceAutoencoder(2, (8, 6, 4), depth=4)
    series = torch.randn(50, 2, 4).cumsum(2) + torch.arange(4.0)  # slices that follow each other
    network.follow(series, 1.0)
    root = network.root()
    for number in range(2):
        wanted = series[:, number].T.cov(correction=0).double()
        torch.testing.assert_close(root[number] @ root[number].T, wanted, atol=1e-4, rtol=1e-4)
    drawn = network.sample(torch.Generator().manual_seed(3))
    noise = torch.randn((2, 4), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    wanted = series.mean(0) + torch.stack([root[number] @ noise[number] for number in range(2)])
    torch.testing.assert_close(drawn.T, wanted.float(), atol=1e-4, rtol=1e-4)


def test_the_moments_move_by_a_share() -> None:
    network = SliceAutoencoder(2, (8, 6, 4), depth=4)
    codes = torch.ones(1, 2, 4)
    network.follow(codes, 0.25)
    torch.testing.assert_close(network.series, 0.25 * codes[0])
    torch.testing.assert_close(network.products, (0.75 * torch.eye(4) + 0.25).expand(2, 4, 4))
