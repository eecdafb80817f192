"""dsSNICT: a 3D diffusion model on a Swin transformer that predicts the nephrographic phase (arXiv 2502.19623)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.diffusion.denoiser import DiffusionConfig
from NephroSynthLib.diffusion.samplers import SAMPLERS, Sampler
from NephroSynthLib.methods.condition import AMPLITUDES, CONDITION_CHANNELS, CONTEXT_FEATURES
from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import REGION
from NephroSynthLib.methods.windowed_diffusion import WindowedDiffusion
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
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


class DsSnict(WindowedDiffusion):
    """dsSNICT in small: image prediction with learned variance, conditioned on both phases and the exam's context."""

    name: ClassVar[str] = "dssnict"
    title: ClassVar[str] = "dsSNICT (arXiv 2502.19623), small"
    crop: ClassVar[Size] = REGION
    mean_in_one_step: ClassVar[bool] = True
    default: ClassVar[SwinDiffusion] = CONFIGURATION

    def sampler(self, settings: SynthesisSettings) -> Sampler:
        """Returns the sampler of the settings."""
        return SAMPLERS[settings.sampler](self.denoiser.process)

    def steps(self, settings: SynthesisSettings) -> int:
        """Returns the steps of the settings, because one step gives the posterior mean."""
        return settings.denoising_steps

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by mean absolute error and the variational bound; see `TrainableMethod`."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l1", vlb_weight=0.01, terminal=0.5)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = DsSnict
