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


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Returns the mean score of fake images less that of real ones (Arjovsky et al. 2017, eq. 2).

    With a critic of slope 1, it is the negative of the Wasserstein distance between both kinds of image.
    """
    return fake.mean() - real.mean()


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Returns the mean over the batch of the squared norm of the gradient of each image's logits.

    It is the penalty R1 of Mescheder et al. 2018, eq. 9, without its factor, where the images are real.

    Args:
        logits: The discriminator's answer to the images, (B, ...).
        images: The images, (B, C, z, y, x), which require gradients.
    """
    return _gradients(logits, images).square().sum(1).mean()


def slope_penalty(scores: Tensor, images: Tensor) -> Tensor:
    """Returns the mean over the batch of (|gradient| - 1)^2 (WGAN-GP, Gulrajani et al. 2017, eq. 3).

    Args:
        scores: The critic's answer to the images, (B, ...).
        images: Images between real and fake ones, as `between` gives them, which require gradients.
    """
    return (_gradients(scores, images).norm(dim=1) - 1).square().mean()


def between(real: Tensor, fake: Tensor) -> Tensor:
    """Returns images at random places on the lines from real to fake images, which require gradients."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    return torch.lerp(real.detach(), fake.detach(), share).requires_grad_()


def path_lengths(images: Tensor, styles: Tensor) -> Tensor:
    """Returns |J^T y| for random images y, which tells how far an image moves with its style, (B,).

    Args:
        images: Images (B, C, z, y, x) that a generator made.
        styles: The styles that they were made of, (B, W), which require gradients.
    """
    pixels = images[0].numel()
    return _gradients(images * torch.randn_like(images) / pixels**0.5, styles).norm(dim=1)


def _gradients(outputs: Tensor, inputs: Tensor) -> Tensor:
    """Returns the gradient of each sample's outputs, summed, (B, n); it can be differentiated again."""
    (gradient,) = torch.autograd.grad(outputs.sum(), inputs, create_graph=True)
    return gradient.flatten(1)
