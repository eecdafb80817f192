"""dsSNICT: a 3D diffusion model on a Swin transformer that predicts the nephrographic phase (arXiv 2502.19623)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import JsonValue
from torch import nn

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.diffusion.samplers import SAMPLERS
from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, from_window
from NephroSynthLib.methods.condition import (
    AMPLITUDES,
    CONDITION_CHANNELS,
    CONTEXT_FEATURES,
    NORMALIZATION,
    condition_channels,
    exam_context,
    windowed_sample,
)
from NephroSynthLib.methods.method import HU, Case, Example, Sample, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.tiled_sampling import sample_tiled
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion, restore_denoiser
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining

CONFIGURATION = SwinDiffusion(
    network=SwinDenoiserConfig(
        image_channels=1,
        condition_channels=CONDITION_CHANNELS,
        out_channels=2,
        context_features=CONTEXT_FEATURES,
        amplitudes=AMPLITUDES,
        patch=(1, 2, 2),
        channels=(24, 48, 96),
        strides=((1, 2, 2), (2, 2, 2)),
        blocks=(1, 1, 2),
        attention=(False, True, True),
        head_channels=24,
        norm="channel",
    ),
    diffusion=DiffusionConfig(schedule="cosine", steps=1000, parameterization="residual", learned_variance=True),
)


class DsSnict:
    """dsSNICT in small: image prediction with learned variance, conditioned on both phases and the exam's context."""

    name: ClassVar[str] = "dssnict"
    title: ClassVar[str] = "dsSNICT (arXiv 2502.19623), small"
    window_hu: ClassVar[tuple[float, float]] = (LOWER_HU, UPPER_HU)
    normalization: ClassVar[Mapping[str, JsonValue]] = NORMALIZATION
    crop: ClassVar[Size] = (24, 64, 64)

    def __init__(self, configuration: SwinDiffusion, denoiser: Denoiser) -> None:
        self.configuration = configuration
        self.denoiser = denoiser

    @property
    def network(self) -> nn.Module:
        """The Swin denoiser, whose weights the bundle holds."""
        return self.denoiser.network

    @classmethod
    def untrained(cls) -> DsSnict:
        """See `TrainableMethod.untrained`."""
        return cls(CONFIGURATION, CONFIGURATION.build())

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> DsSnict:
        """See `Method.restore`."""
        configuration = bundle.configuration(SwinDiffusion)
        network = configuration.network
        inputs = network.condition_channels, network.context_features, network.amplitudes
        if inputs != (CONDITION_CHANNELS, CONTEXT_FEATURES, AMPLITUDES):
            raise ModelError(
                f"The model {bundle.metadata.name} takes other inputs than this NephroSynth gives a synthesizer.",
                Action.CHOOSE_MODEL,
            )
        return cls(configuration, restore_denoiser(bundle, device))

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`."""
        condition = torch.from_numpy(condition_channels(case))[None]
        context = torch.from_numpy(exam_context(case.contrast))[None]
        sampler = SAMPLERS[settings.sampler](self.denoiser.process)
        image = sample_tiled(self.denoiser, sampler, condition, context, settings.denoising_steps, seed, progress)
        return from_window(image.clamp(-1, 1)).cpu().numpy()

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        return windowed_sample(example)

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by mean absolute error and the variational bound; see `TrainableMethod`."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l1", vlb_weight=0.01, terminal=0.5)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = DsSnict
