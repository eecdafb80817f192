"""Training of IC-Net by itself: it takes back a change of a slice's intensity (Jeong et al. 2023, eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.one_loss_training import OneLossTraining
from NephroSynthLib.methods.slab import as_slices
from NephroSynthLib.networks.translator import Translator

LEAST, MOST = 0.7, 1.3
"""Limits of the factor. The paper prints -0.7, but its figure 5 begins at 0.7."""


def changed(image: Tensor, factor: Tensor) -> Tensor:
    """Returns slices (B, 1, 1, y, x) whose intensity about their mean is changed by a factor (eq. 4)."""
    mean = image.mean(dim=(2, 3, 4), keepdim=True)
    return (image - mean) * factor + mean


class IcNetTraining(OneLossTraining):
    """Trains a translator on batches of `image` and `before`, the slice above it.

    Args:
        translator: The network to train.
        plan: Steps and learning rate.
    """

    def __init__(self, translator: Translator, plan: TrainingPlan) -> None:
        super().__init__(plan)
        self.translator = translator

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the mean absolute error (eq. 4) at random factors."""
        batch = as_slices(batch)
        image = batch["image"]
        factor = LEAST + (MOST - LEAST) * torch.rand(len(image), 1, 1, 1, 1, device=image.device)
        calibrated: Tensor = self.translator(torch.cat([changed(image, factor), batch["before"]], dim=1))
        return (calibrated - image).abs().mean()
