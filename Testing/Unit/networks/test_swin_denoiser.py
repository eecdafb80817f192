from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from NephroSynthLib.models.device import inference_dtype
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig

SMALL = SwinDenoiserConfig(channels=(8, 16, 16), head_channels=8, embedding=16, full_resolution_channels=4)
CONFIGS = {
    "small": SMALL,
    "isotropic patch": replace(SMALL, patch=(2, 2, 2)),
    "no patch": replace(SMALL, patch=(1, 1, 1), strides=((2, 2, 2), (1, 2, 2))),
    "context": replace(SMALL, context_features=3),
    "attention at every level": replace(SMALL, attention=(True, True, True), window=(2, 4, 4)),
    "no attention": replace(SMALL, attention=(False, False, False)),
    "one level": replace(SMALL, channels=(8,), strides=(), blocks=(2,), attention=(True,)),
    "many channels": replace(SMALL, image_channels=3, condition_channels=4, out_channels=6),
    "no image": replace(SMALL, image_channels=0),
    "flat": replace(SMALL, kernel=(1, 3, 3), strides=((1, 2, 2), (1, 2, 2)), window=(1, 4, 4)),
    "no condition": replace(SMALL, condition_channels=0, out_channels=1),
}
SIZES: list[Size] = [(8, 16, 16), (5, 17, 23), (1, 1, 1), (3, 40, 9)]


def _awake(config: SwinDenoiserConfig, seed: int = 0) -> SwinDenoiser:
    """A network whose zero layers have been filled, as after training."""
    torch.manual_seed(seed)
    network = SwinDenoiser(config)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def _inputs(config: SwinDenoiserConfig, size: Size, batch: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((batch, config.image_channels, *size), generator=generator)
    condition = torch.randn((batch, config.condition_channels, *size), generator=generator)
    context = torch.randn((batch, config.context_features), generator=generator) if config.context_features else None
    return x, torch.linspace(1, 1000, batch), condition, context


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_keeps_any_size(config: SwinDenoiserConfig, size: Size) -> None:
    out = _awake(config)(*_inputs(config, size))
    assert out.shape == (2, config.out_channels, *size)
    assert out.isfinite().all()
    assert out.any()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_starts_at_zero(config: SwinDenoiserConfig) -> None:
    assert not SwinDenoiser(config)(*_inputs(config, (4, 9, 9))).any()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_every_parameter_learns(config: SwinDenoiserConfig) -> None:
    network = _awake(config)
    network(*_inputs(config, (8, 16, 16))).square().sum().backward()
    idle = [
        name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert idle == []


def test_learns_one_volume_by_heart() -> None:
    torch.manual_seed(0)
    config = replace(SMALL, out_channels=1)
    network, inputs = SwinDenoiser(config), _inputs(config, (4, 8, 8))
    wanted = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(network.parameters(), 2e-2)
    losses = []
    for _ in range(30):
        loss = (network(*inputs) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("changed", ["image", "timestep", "condition", "context"])
def test_listens_to_each_input(changed: str) -> None:
    config = CONFIGS["context"]
    network = _awake(config)
    x, t, condition, context = _inputs(config, (4, 9, 9))
    assert context is not None
    other: dict[str, Any] = {
        "image": (x + 1, t, condition, context),
        "timestep": (x, t + 100, condition, context),
        "condition": (x, t, condition + 1, context),
        "context": (x, t, condition, context + 1),
    }
    assert (network(*other[changed]) - network(x, t, condition, context)).abs().max() > 1e-3


def test_samples_of_a_batch_do_not_mix() -> None:
    network = _awake(SMALL)
    x, t, condition, _ = _inputs(SMALL, (5, 9, 11), batch=3)
    assert torch.allclose(network(x, t, condition)[1:2], network(x[1:2], t[1:2], condition[1:2]), atol=1e-5)


def test_padding_to_the_stride_is_as_if_the_border_went_on() -> None:
    network = _awake(SMALL)
    assert SMALL.stride == (2, 8, 8)
    x, t, condition, _ = _inputs(SMALL, (3, 13, 8))

    def longer(volume: Tensor) -> Tensor:
        volume = torch.cat([volume, volume[:, :, -1:]], dim=2)
        return torch.cat([volume, volume[:, :, :, -1:].expand(-1, -1, -1, 3, -1)], dim=3)

    assert torch.allclose(network(x, t, condition), network(longer(x), t, longer(condition))[:, :, :3, :13], atol=1e-5)


def test_bfloat16_is_close_to_float32() -> None:
    network = _awake(CONFIGS["attention at every level"])
    x, t, condition, _ = _inputs(SMALL, (8, 24, 24))
    with torch.inference_mode():
        exact = network(x, t, condition)
        with torch.autocast("cpu", torch.bfloat16):
            low = network(x, t, condition)
    assert low.dtype == torch.float32
    error = (low - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert 0 < error < 0.03


def test_memory_layout_of_the_input_does_not_matter() -> None:
    network = _awake(SMALL)
    x, t, condition, _ = _inputs(SMALL, (4, 16, 16))
    last = network(
        x.contiguous(memory_format=torch.channels_last_3d), t, condition.transpose(2, 4).contiguous().transpose(2, 4)
    )
    assert torch.allclose(last, network(x, t, condition), atol=1e-5)


@pytest.mark.skipif(
    inference_dtype(torch.device("cpu")) != torch.bfloat16,
    reason="this CPU does not compute in bfloat16, so its networks run in float32",
)
def test_bfloat16_features_stay_channels_last() -> None:
    network, layouts = _awake(SMALL), []
    for stage in (*network.encoder, *network.decoder):
        stage.register_forward_hook(
            lambda module, given, out: layouts.append(out.is_contiguous(memory_format=torch.channels_last_3d))
        )
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        network(*_inputs(SMALL, (4, 16, 16), batch=1))
    assert layouts == [True] * 5


@pytest.mark.parametrize(
    "fields",
    [
        {"channels": (8, 16)},
        {"channels": (), "strides": (), "blocks": (), "attention": ()},
        {"head_channels": 5},
        {"window": (4, 4)},
        {"window": (64, 64, 64)},
        {"patch": (0, 2, 2)},
        {"blocks": (1, 2, 10**9)},
        {"channels": (8, 16, 10**9)},
        {"image_channels": 0, "condition_channels": 0},
        {"image_channels": -1},
        {"kernel": (1, 2, 3)},
        {"condition_channels": -1},
        {"embedding": 15},
    ],
    ids=str,
)
def test_refuses_a_configuration_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(SMALL, **fields)


def test_refuses_inputs_of_the_wrong_shape() -> None:
    network = SwinDenoiser(CONFIGS["context"])
    x, t, condition, context = _inputs(CONFIGS["context"], (4, 8, 8))
    for wrong in (
        (x[:, :0], t, condition, context),
        (x, t, condition[:, :1], context),
        (x, t, condition[..., :4], context),
        (x, t, condition, None),
        (x, t, condition, context[:, :2] if context is not None else None),
        (x[0], t, condition[0], context),
    ):
        with pytest.raises(ValueError, match="network takes"):
            network(*wrong)
