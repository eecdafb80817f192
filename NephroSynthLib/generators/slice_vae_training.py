"""Training of the slice-to-3D VAE: the evidence bound of its slices, and the series of their codes. Needs Lightning."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.one_loss_training import OneLossTraining
from NephroSynthLib.methods.slab import as_slices
from NephroSynthLib.networks.slice_autoencoder import SliceAutoencoder, kl_to_standard

IMAGE_SD = 0.05
"""Standard deviation of a pixel about the decoder's answer, in the units of the network; 100 HU."""
SHARE = 0.02
"""Weight of a batch in the moving mean of the series."""


class SliceVaeTraining(OneLossTraining):
    """Trains an autoencoder on batches of `image`, whole volumes of its depth.

    Args:
        autoencoder: The network to train.
        plan: Steps and learning rate.
    """

    def __init__(self, autoencoder: SliceAutoencoder, plan: TrainingPlan) -> None:
        super().__init__(plan)
        self.autoencoder = autoencoder

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the negative evidence bound of a pixel, and follows the codes of the volumes."""
        loss, mean = self._bound(batch)
        codes = rearrange(mean.detach(), "(b z) l -> b l z", b=len(batch["image"]))
        self.autoencoder.follow(codes, SHARE)
        return loss

    def validation_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the negative evidence bound; see `NephroSynthLib.training.validation`."""
        return self._bound(batch)[0]

    def _bound(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the negative evidence bound over the pixels, without constants, and the mean codes (n, latent)."""
        image = as_slices(batch)["image"]
        mean, log_variance = self.autoencoder.encode(image)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        error = (self.autoencoder.decode(code) - image).square().flatten(1).sum(dim=1) / (2 * IMAGE_SD**2)
        return (error + kl_to_standard(mean, log_variance)).mean() / image[0].numel(), mean
