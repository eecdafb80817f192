"""MT-DDPM: noise prediction by a U-Swin network with a learned variance (Pan et al. 2023, Phys. Med. Biol. 68:105004).

The paper generates slices from noise alone. Here each slice is also conditioned on both phases. The formulas are in
`diffusion/`: the mean (eq. 15) in `Process.posterior`, the variance (eq. 16) in `Process.log_variance`, the bound (eqs.
17 to 21) and the hybrid loss (eq. 22) in `losses`, the respaced sampling in `samplers.DDPM`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.diffusion.denoiser import DiffusionConfig
from NephroSynthLib.diffusion.samplers import DDPM, Sampler
from NephroSynthLib.methods.condition import CONDITION_CHANNELS, CONTEXT_FEATURES
from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.methods.windowed_diffusion import WindowedDiffusion
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.networks.unet import FLAT_CHANNELS
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining

GAMMA = 0.01
"""Weight of the bound in the hybrid loss (eq. 22)."""


class MtDdpm(WindowedDiffusion):
    """MT-DDPM in small, slice by slice: three residual sections in a block, Swin sections at the deeper levels."""

    name: ClassVar[str] = "mt-ddpm"
    title: ClassVar[str] = "MT-DDPM (doi 10.1088/1361-6560/acca5c), small, conditioned"
    crop: ClassVar[Size] = SLAB
    own_steps: ClassVar[int] = 50
    default: ClassVar[SwinDiffusion] = SwinDiffusion(
        network=SwinDenoiserConfig(
            image_channels=1,
            condition_channels=CONDITION_CHANNELS,
            out_channels=2,
            context_features=CONTEXT_FEATURES,
            patch=(1, 2, 2),
            channels=FLAT_CHANNELS,
            strides=((1, 2, 2), (1, 2, 2)),
            blocks=(3, 2, 2),
            attention=(False, True, True),
            window=(1, 8, 8),
            head_channels=FLAT_CHANNELS[1],
            norm="channel",
            kernel=(1, 3, 3),
        ),
        diffusion=DiffusionConfig(schedule="linear", steps=4000, parameterization="noise", learned_variance=True),
    )

    def sampler(self, settings: SynthesisSettings) -> Sampler:
        """Returns ancestral sampling with the learned variance; the paper takes 500 of the 4000 steps."""
        return DDPM(self.denoiser.process)

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by the squared error of the noise (eq. 14) and the bound (eq. 22)."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l2", vlb_weight=GAMMA, terminal=0.0, flat=True)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = MtDdpm
