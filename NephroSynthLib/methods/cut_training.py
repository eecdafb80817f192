"""Training of CUT on unpaired slices: adversarial and contrastive (Park et al. 2020, eq. 5). Needs Lightning."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from NephroSynthLib.methods.adversarial_training import AdversarialTraining, unpaired
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss
from NephroSynthLib.networks.patch_gan import PatchGAN
from NephroSynthLib.networks.patch_nce import PatchHeads, patch_nce, random_places
from NephroSynthLib.networks.translator import Translator

PLACES = 256


class CutTraining(AdversarialTraining):
    """Trains a translator of two channels on batches of `image` and `condition`, whose pairs it shuffles.

    Args:
        translator: The network to train.
        plan: Steps and learning rate.
    """

    def __init__(self, translator: Translator, plan: TrainingPlan) -> None:
        parts = nn.ModuleDict({"translator": translator, "heads": PatchHeads(translator.unet.config.channels)})
        super().__init__(parts, PatchGAN(1, flat=True), plan, flat=True)
        self.translator = translator

    def answer(self, batch: dict[str, Tensor]) -> Tensor:
        """See `AdversarialTraining.answer`."""
        image: Tensor = self.translator(batch["condition"])
        return image

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """See `AdversarialTraining.made_and_loss`; eq. 5 with both weights 1."""
        phases, target = batch["condition"], _doubled(unpaired(batch["image"]))
        made, same = self.translator(phases), self.translator(target)
        contrast = self._contrast(phases, made) + self._contrast(target, same)
        return made.detach(), generator_loss(self.discriminators(made)) + contrast

    def judged_loss(self, batch: dict[str, Tensor], made: Tensor) -> Tensor:
        """See `AdversarialTraining.judged_loss`; eq. 1."""
        return discriminator_loss(self.discriminators(unpaired(batch["image"])), self.discriminators(made))

    def _contrast(self, given: Tensor, made: Tensor) -> Tensor:
        """Returns the mean PatchNCE over all levels of the encoder (eq. 4)."""
        queries, keys = self.translator.features(_doubled(made)), self.translator.features(given)
        places = random_places(keys, PLACES)
        heads = self.generators.get_submodule("heads")
        pairs = zip(heads(queries, places), heads(keys, places), strict=True)
        return torch.stack([patch_nce(query, key) for query, key in pairs]).mean()


def _doubled(image: Tensor) -> Tensor:
    """Returns an image as both phases, so that the encoder of the phases sees it."""
    return image.expand(-1, 2, -1, -1, -1)
