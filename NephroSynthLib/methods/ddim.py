"""DDIM translation in image mode and in noise mode, 2D and 3D (Graf et al. 2023, European Radiology Experimental 7:70).

Both modes train the same U-Net. It predicts the clean image in one and the noise in the other, and the sampler is the
deterministic DDIM (Song et al. 2021, eq. 12, with eta 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.diffusion.denoiser import DiffusionConfig, Parameterization
from NephroSynthLib.diffusion.samplers import DDIM, Sampler
from NephroSynthLib.methods.condition import CONDITION_CHANNELS, CONTEXT_FEATURES
from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import REGION, SLAB
from NephroSynthLib.methods.windowed_diffusion import WindowedDiffusion
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining


class _DdimTranslation(WindowedDiffusion):
    own_steps: ClassVar[int] = 20
    flat: ClassVar[bool]

    def __init_subclass__(cls, mode: Parameterization, flat: bool) -> None:
        shape = "2D" if flat else "3D"
        cls.name = f"ddim-{mode}-{shape.lower()}"
        cls.title = f"DDIM in {mode} mode, {shape} (arXiv 2308.09345), small"
        cls.crop = SLAB if flat else REGION
        cls.flat = flat
        cls.default = SwinDiffusion(
            network=unet(
                flat=flat, image_channels=1, condition_channels=CONDITION_CHANNELS, context_features=CONTEXT_FEATURES
            ),
            diffusion=DiffusionConfig(schedule="cosine", steps=1000, parameterization=mode, learned_variance=False),
        )

    def sampler(self, settings: SynthesisSettings) -> Sampler:
        """Returns DDIM with eta 0."""
        return DDIM(self.denoiser.process, eta=0.0)

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by the mean absolute error of image or noise at uniform times."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l1", terminal=0.0, flat=self.flat)


class DdimImage2D(_DdimTranslation, mode="image", flat=True):
    """Image mode, slice by slice."""


class DdimNoise2D(_DdimTranslation, mode="noise", flat=True):
    """Noise mode, slice by slice."""


class DdimImage3D(_DdimTranslation, mode="image", flat=False):
    """Image mode, by region."""


class DdimNoise3D(_DdimTranslation, mode="noise", flat=False):
    """Noise mode, by region."""


if TYPE_CHECKING:
    _conform: tuple[type[TrainableMethod], ...] = (DdimImage2D, DdimNoise2D, DdimImage3D, DdimNoise3D)
