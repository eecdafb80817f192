"""DDIM translation in image mode and in noise mode, 2D and 3D (Graf et al. 2023, European Radiology Experimental 7:70).

Both modes train the same U-Net. It predicts the clean image in one and the noise in the other, and the sampler is the
deterministic DDIM (Song et al. 2021, eq. 12, with eta 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.diffusion.denoiser import DiffusionConfig, Parameterization
from NephroSynthLib.diffusion.process import Process
from NephroSynthLib.diffusion.samplers import DDIM, Sampler
from NephroSynthLib.methods.condition import CONDITION_CHANNELS, CONTEXT_FEATURES
from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import REGION, SLAB
from NephroSynthLib.methods.windowed_diffusion import WindowedDiffusion
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.unet import unet

if TYPE_CHECKING:
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining


def _config(mode: Parameterization, *, flat: bool) -> SwinDiffusion:
    return SwinDiffusion(
        network=unet(
            flat=flat, image_channels=1, condition_channels=CONDITION_CHANNELS, context_features=CONTEXT_FEATURES
        ),
        diffusion=DiffusionConfig(schedule="cosine", steps=1000, parameterization=mode, learned_variance=False),
    )


class _DdimTranslation(WindowedDiffusion):
    own_steps: ClassVar[int] = 20
    flat: ClassVar[bool]

    @staticmethod
    def sampler(process: Process) -> Sampler:
        """Returns DDIM with eta 0."""
        return DDIM(process, eta=0.0)

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by the mean absolute error of image or noise at uniform times."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l1", terminal=0.0, flat=self.flat)


class DdimImage2D(_DdimTranslation):
    """Image mode, slice by slice."""

    name: ClassVar[str] = "ddim-image-2d"
    title: ClassVar[str] = "DDIM in image mode, 2D (arXiv 2308.09345), small"
    crop: ClassVar[Size] = SLAB
    flat: ClassVar[bool] = True
    default: ClassVar[SwinDiffusion] = _config("image", flat=True)


class DdimNoise2D(_DdimTranslation):
    """Noise mode, slice by slice."""

    name: ClassVar[str] = "ddim-noise-2d"
    title: ClassVar[str] = "DDIM in noise mode, 2D (arXiv 2308.09345), small"
    crop: ClassVar[Size] = SLAB
    flat: ClassVar[bool] = True
    default: ClassVar[SwinDiffusion] = _config("noise", flat=True)


class DdimImage3D(_DdimTranslation):
    """Image mode, by region."""

    name: ClassVar[str] = "ddim-image-3d"
    title: ClassVar[str] = "DDIM in image mode, 3D (arXiv 2308.09345), small"
    crop: ClassVar[Size] = REGION
    flat: ClassVar[bool] = False
    default: ClassVar[SwinDiffusion] = _config("image", flat=False)


class DdimNoise3D(_DdimTranslation):
    """Noise mode, by region."""

    name: ClassVar[str] = "ddim-noise-3d"
    title: ClassVar[str] = "DDIM in noise mode, 3D (arXiv 2308.09345), small"
    crop: ClassVar[Size] = REGION
    flat: ClassVar[bool] = False
    default: ClassVar[SwinDiffusion] = _config("noise", flat=False)


if TYPE_CHECKING:
    _conform: tuple[type[TrainableMethod], ...] = (DdimImage2D, DdimNoise2D, DdimImage3D, DdimNoise3D)
