"""Losses of a generator and its discriminator (Goodfellow et al. 2014), from logits above 0 for 'real'."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(fake: Tensor) -> Tensor:
    """Returns the mean of -log D(fake), the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Returns half the mean of -log D(real) - log(1 - D(fake)), halved as in Isola et al. 2017, section 3.3."""
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Returns the mean over the batch of the squared norm of the gradient of each image's logits.

    It is the penalty R1 of Mescheder et al. 2018, eq. 9, without its factor, where the images are real.

    Args:
        logits: The discriminator's answer to the images, (B, ...).
        images: The images, (B, C, z, y, x), which require gradients.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()
