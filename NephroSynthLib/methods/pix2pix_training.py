"""Training of Pix2Pix: an adversarial and an absolute error (Isola et al. 2017, eq. 4). Needs Lightning."""

from __future__ import annotations

import torch
from torch import Tensor

from NephroSynthLib.methods.adversarial_training import AdversarialTraining
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss
from NephroSynthLib.networks.patch_gan import PatchGAN
from NephroSynthLib.networks.translator import Translator

L1_WEIGHT = 100.0


class Pix2PixTraining(AdversarialTraining):
    """Trains a translator on batches of `image`, `condition` and `context`.

    Args:
        translator: The network to train.
        plan: Steps and learning rate.
        flat: Whether it is two-dimensional.
    """

    def __init__(self, translator: Translator, plan: TrainingPlan, *, flat: bool) -> None:
        channels = translator.unet.config.condition_channels + 1
        super().__init__(translator, PatchGAN(channels, flat=flat), plan, flat=flat)

    def answer(self, batch: dict[str, Tensor]) -> Tensor:
        """See `AdversarialTraining.answer`."""
        image: Tensor = self.generators(batch["condition"], batch["context"])
        return image

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """See `AdversarialTraining.made_and_loss`; eq. 4."""
        made = self.answer(batch)
        error = (made - batch["image"]).abs().mean()
        return made.detach(), generator_loss(self._judge(batch, made)) + L1_WEIGHT * error

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`; eq. 1."""
        return discriminator_loss(self._judge(batch, batch["image"]), self._judge(batch, made))

    def _judge(self, batch: dict[str, Tensor], image: Tensor) -> Tensor:
        logits: Tensor = self.discriminators(torch.cat([batch["condition"], image], dim=1))
        return logits
