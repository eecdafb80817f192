"""SynDiff: unpaired translation by adversarial diffusion in few large steps, slice by slice (Özbey et al. 2023).

The denoiser of the way back, from the nephrographic phase to the others, and the latent noise of the generators are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import JsonValue
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import DiffusionConfig
from NephroSynthLib.diffusion.samplers import DDPM, Sampler
from NephroSynthLib.methods.condition import BOTH_WINDOWS, both_windows, unpaired_sample
from NephroSynthLib.methods.method import Case, Example, Sample, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.methods.windowed_diffusion import WindowedDiffusion
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.syndiff_training import SynDiffTraining

STEPS = 4
"""Steps of 250 of the 1000 of the process, as in the paper; the denoiser learns no others."""


class SynDiff(WindowedDiffusion):
    """SynDiff slice by slice, from the phases to the nephrographic phase."""

    name: ClassVar[str] = "syndiff"
    title: ClassVar[str] = "SynDiff, unpaired, 2D (arXiv 2207.08208), small"
    crop: ClassVar[Size] = SLAB
    normalization: ClassVar[Mapping[str, JsonValue]] = BOTH_WINDOWS
    own_steps: ClassVar[int] = STEPS
    default: ClassVar[SwinDiffusion] = SwinDiffusion(
        network=unet(flat=True, image_channels=1, condition_channels=2),
        diffusion=DiffusionConfig(schedule="linear", steps=1000, parameterization="image", learned_variance=False),
    )

    def sampler(self, settings: SynthesisSettings) -> Sampler:
        """Returns sampling from the posterior q(x_s | x_t, x_0) with the denoiser's clean image as x_0."""
        return DDPM(self.denoiser.process)

    def steps(self, settings: SynthesisSettings) -> int:
        """Returns the steps that the denoiser learned, whatever the settings ask for."""
        return STEPS

    @staticmethod
    def inputs(case: Case) -> tuple[Tensor, Tensor | None]:
        """See `WindowedDiffusion.inputs`."""
        return torch.from_numpy(both_windows(case))[None], None

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        return unpaired_sample(example)

    def training_module(self, plan: TrainingPlan) -> SynDiffTraining:
        """Returns the training on shuffled pairs; see `TrainableMethod`."""
        from NephroSynthLib.methods.syndiff_training import SynDiffTraining

        return SynDiffTraining(self.denoiser, STEPS, plan)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = SynDiff
