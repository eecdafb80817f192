from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from NephroSynthLib.networks.swin_denoiser import SwinDenoiser
from NephroSynthLib.networks.unet import unet


def _awake(flat: bool) -> SwinDenoiser:
    torch.manual_seed(0)
    network = SwinDenoiser(
        replace(unet(flat=flat, image_channels=1, condition_channels=2), channels=(8, 8, 8), head_channels=8)
    )
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("flat", [True, False])
def test_only_a_flat_one_sees_each_slice_on_its_own(flat: bool) -> None:
    network, order = _awake(flat), torch.tensor([3, 0, 2, 1])
    image, condition, t = torch.randn(1, 1, 4, 11, 14), torch.randn(1, 2, 4, 11, 14), torch.tensor([300.0])
    with torch.no_grad():
        shuffled = network(image[:, :, order], t, condition[:, :, order])
        change = (shuffled - network(image, t, condition)[:, :, order]).abs().max()
    assert (change < 1e-5) == flat


@pytest.mark.parametrize("flat", [True, False])
def test_its_parts_of_a_region_are_those_of_the_whole(flat: bool) -> None:
    network = _awake(flat)
    image, condition, t = torch.randn(1, 1, 4, 16, 112), torch.randn(1, 2, 4, 16, 112), torch.tensor([300.0])
    with torch.no_grad():
        whole = network(image, t, condition)
        part = network(image[..., :104], t, condition[..., :104])
    torch.testing.assert_close(part[..., :8], whole[..., :8], atol=1e-5, rtol=1e-4)
