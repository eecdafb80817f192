from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from NephroSynthLib.diffusion.denoiser import DiffusionConfig
from NephroSynthLib.errors import ModelError
from NephroSynthLib.models.bundle import ModelBundle, load_bundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion, gives_finite, restore_denoiser
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig


def _with(bundle: ModelBundle, part: str, **changes: Any) -> ModelBundle:
    configuration = dict(bundle.metadata.configuration)
    configuration[part] = {**configuration[part], **changes}  # type: ignore[dict-item]
    metadata = bundle.metadata.model_copy(update={"configuration": configuration})
    return ModelBundle(bundle.path, metadata, bundle.sha256, bundle.tensors)


def test_a_configuration_survives_json() -> None:
    config = SwinDiffusion(network=SwinDenoiserConfig(), diffusion=DiffusionConfig())
    assert SwinDiffusion.model_validate_json(config.model_dump_json()) == config


def test_a_denoiser_is_restored_for_inference(small_model: Path) -> None:
    bundle = load_bundle(small_model)
    denoiser = restore_denoiser(bundle, "cpu")
    assert not denoiser.training
    assert not any(parameter.requires_grad for parameter in denoiser.parameters())
    for name, tensor in denoiser.network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, bundle.tensors[name].float())


def test_weights_that_are_not_finite_are_noticed(small_model: Path) -> None:
    denoiser = restore_denoiser(load_bundle(small_model), "cpu")
    assert gives_finite(denoiser)
    with torch.no_grad():
        next(denoiser.parameters()).fill_(torch.nan)
    assert not gives_finite(denoiser)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("network", {"channels": [8, 10**9]}, "network"),
        ("network", {"strides": "none"}, "strides"),
        ("diffusion", {"schedule": "sigmoid"}, "schedule"),
        ("diffusion", {"steps": -1}, "diffusion"),
        ("diffusion", {"steps": 10**12}, "diffusion"),
        ("diffusion", {"learned_variance": False}, "channels"),
    ],
)
def test_a_denoiser_that_cannot_be_is_refused(
    small_model: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        restore_denoiser(_with(load_bundle(small_model), part, **changes), "cpu")


def test_a_huge_network_is_refused_before_it_is_built(small_model: Path) -> None:
    huge = _with(load_bundle(small_model), "network", channels=[4096, 4096], blocks=[64, 64])
    with pytest.raises(ModelError, match="do not fit"):
        restore_denoiser(huge, "cpu")


@pytest.mark.parametrize(("learned", "channels"), [(True, 1), (False, 2), (True, 3)])
def test_the_network_gives_a_variance_exactly_if_the_process_wants_one(learned: bool, channels: int) -> None:
    network = SwinDenoiserConfig(out_channels=channels)
    with pytest.raises(ValidationError, match="channels"):
        SwinDiffusion(network=network, diffusion=DiffusionConfig(learned_variance=learned))
