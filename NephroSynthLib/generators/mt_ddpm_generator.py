"""MT-DDPM as in its paper: new slices from noise alone, by the network of `mt-ddpm` without the phases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.samplers import DDPM
from NephroSynthLib.generators.abdomen import AbdomenGenerator, message
from NephroSynthLib.imaging.full_range import from_full_range
from NephroSynthLib.methods.method import HU, TrainingPlan
from NephroSynthLib.methods.mt_ddpm import GAMMA, MtDdpm
from NephroSynthLib.methods.windowed_diffusion import DenoiserOwner
from NephroSynthLib.models.device import autocast
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining


class MtDdpmGenerator(DenoiserOwner, AbdomenGenerator):
    """MT-DDPM in small, a generator of slices."""

    name: ClassVar[str] = "mt-ddpm"
    title: ClassVar[str] = "MT-DDPM (doi 10.1088/1361-6560/acca5c), small"
    own_steps: ClassVar[int | None] = MtDdpm.own_steps
    default: ClassVar[SwinDiffusion] = SwinDiffusion(
        network=replace(MtDdpm.default.network, condition_channels=0, context_features=0),
        diffusion=MtDdpm.default.diffusion,
    )

    def generate(self, slices: int, steps: int, seed: int, progress: Progress) -> HU:
        """See `Generator.generate`; ancestral sampling with the learned variance, 500 steps in the paper."""
        device = next(self.network.parameters()).device
        generator = torch.Generator(device).manual_seed(seed)
        told = partial(progress.update, message=message(device))

        def denoise(x: Tensor, t: float) -> Prediction:
            answer: Prediction = self.denoiser(x, torch.full((1,), t, device=device), x[:, :0])
            return answer

        noise = torch.randn((1, 1, slices, *self.crop[1:]), generator=generator, device=device)
        sampler = DDPM(self.denoiser.process)
        with torch.inference_mode(), autocast(device):
            image = sampler.sample(denoise, noise, steps, generator, told)
        return from_full_range(image[0, 0].float().cpu().numpy())

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by the squared error of the noise (eq. 14) and the bound (eq. 22)."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l2", vlb_weight=GAMMA, terminal=0.0, flat=True)


if TYPE_CHECKING:
    _conforms: type[Generator] = MtDdpmGenerator
