from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from NephroSynthLib.networks.translator import Translator
from NephroSynthLib.networks.unet import unet

CONFIG = replace(
    unet(flat=True, image_channels=0, condition_channels=2, context_features=3), channels=(8, 8, 16), head_channels=8
)


def test_learns_a_function_of_its_condition_and_context() -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG)
    condition, context = torch.randn(4, 2, 1, 8, 8), torch.randn(4, 3)
    wanted = condition[:, :1] * context[:, :1, None, None, None]
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = (network(condition, context) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_its_features_halve_from_level_to_level() -> None:
    levels = Translator(CONFIG).features(torch.randn(2, 2, 3, 16, 32), torch.randn(2, 3))
    assert [tuple(level.shape) for level in levels] == [(2, 8, 3, 8, 16), (2, 8, 3, 4, 8), (2, 16, 3, 2, 4)]


def test_a_network_that_takes_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="takes no noisy image"):
        Translator(replace(CONFIG, image_channels=1))
