from __future__ import annotations

from pathlib import Path

import pytest
import torch

from NephroSynthLib.diffusion.denoiser import DiffusionConfig
from NephroSynthLib.models.bundle import BundleMetadata, save_bundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthesizer with small random weights: what it makes is no anatomy, but depends on all that it is given."""
    torch.manual_seed(0)
    config = SwinDenoiserConfig(1, 3, 2, 5, (1, 2, 2), (8, 16), ((1, 2, 2),), (1, 1), (False, True), head_channels=8)
    network = SwinDenoiser(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    metadata = BundleMetadata(
        name="small",
        task="synthesis",
        method="test",
        network=config,
        diffusion=DiffusionConfig(),
        preprocessing={},
        training={"data": "none"},
        results={},
        licence="Apache-2.0",
    )
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    save_bundle(path, network.state_dict(), metadata)
    return path
