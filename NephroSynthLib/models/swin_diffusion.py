"""A denoiser of a Swin network and a diffusion process, as the headers of bundles describe it."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, model_validator

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig


class SwinDiffusion(BaseModel):
    """Configuration of a denoiser; dsSNICT and the segmenter have one each.

    Attributes:
        network: Architecture of the network.
        diffusion: Schedule and parameterization.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    network: SwinDenoiserConfig
    diffusion: DiffusionConfig

    @model_validator(mode="after")
    def _check_channels(self) -> SwinDiffusion:
        wanted = self.network.image_channels * (2 if self.diffusion.learned_variance else 1)
        if self.network.out_channels != wanted:
            raise ValueError(f"the network gives {self.network.out_channels} channels, the diffusion needs {wanted}")
        return self

    def build(self) -> Denoiser:
        """Returns a denoiser with random weights, drawn by torch's global generator."""
        return self.diffusion.wrap(SwinDenoiser(self.network))


def restore_denoiser(bundle: ModelBundle, device: torch.device | str) -> Denoiser:
    """Returns the denoiser of a bundle, float32, in evaluation mode, without gradients, on a device.

    Raises:
        ModelError: The bundle describes no such denoiser, or its weights do not fit.
    """
    configuration = bundle.configuration(SwinDiffusion)
    network = bundle.load_into(lambda: SwinDenoiser(configuration.network))
    return configuration.diffusion.wrap(network).to(device).eval().requires_grad_(False)


def gives_finite(denoiser: Denoiser) -> bool:
    """Returns whether a denoiser on the CPU gives finite values for noise of zeros."""
    network = denoiser.network
    assert isinstance(network, SwinDenoiser)
    config, shape = network.config, network.config.stride
    context = torch.zeros(1, config.context_features) if config.context_features else None
    with torch.inference_mode():
        image = torch.zeros(1, config.image_channels, *shape)
        condition = torch.zeros(1, config.condition_channels, *shape)
        prediction = denoiser(image, torch.tensor([denoiser.process.end]), condition, context)
    return bool(prediction.clean.isfinite().all())
