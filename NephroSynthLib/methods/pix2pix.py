"""Pix2Pix: a U-Net trained against a PatchGAN that sees the phases too (Isola et al. 2017), in 2D and 3D.

The dropout of the paper is left out, so that a translation has no noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from NephroSynthLib.methods.method import TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import REGION, SLAB
from NephroSynthLib.methods.translation import Translation, TranslatorConfig, translator_config
from NephroSynthLib.networks.blocks import Size

if TYPE_CHECKING:
    from NephroSynthLib.methods.pix2pix_training import Pix2PixTraining


class _Pix2Pix(Translation):
    flat: ClassVar[bool]

    def training_module(self, plan: TrainingPlan) -> Pix2PixTraining:
        """Returns the training against a discriminator; see `TrainableMethod`."""
        from NephroSynthLib.methods.pix2pix_training import Pix2PixTraining

        return Pix2PixTraining(self.network, plan, flat=self.flat)


class Pix2Pix2D(_Pix2Pix):
    """Pix2Pix slice by slice."""

    name: ClassVar[str] = "pix2pix-2d"
    title: ClassVar[str] = "Pix2Pix, 2D (arXiv 1611.07004), small"
    crop: ClassVar[Size] = SLAB
    flat: ClassVar[bool] = True
    default: ClassVar[TranslatorConfig] = translator_config(flat=True)


class Pix2Pix3D(_Pix2Pix):
    """Pix2Pix by region."""

    name: ClassVar[str] = "pix2pix-3d"
    title: ClassVar[str] = "Pix2Pix, 3D (arXiv 1611.07004), small"
    crop: ClassVar[Size] = REGION
    flat: ClassVar[bool] = False
    default: ClassVar[TranslatorConfig] = translator_config(flat=False)


if TYPE_CHECKING:
    _conform: tuple[type[TrainableMethod], ...] = (Pix2Pix2D, Pix2Pix3D)
