"""Losses of a denoiser: distance to the network's target, the variational bound, and the overlap of masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Denoiser, Prediction
from NephroSynthLib.diffusion.process import Process, spread

Distance = Literal["l1", "l2"]

DICE_SMOOTHING = 100.0  # voxels; makes an empty prediction of an empty mask perfect.
GREY_LEVELS = 256  # of the decoder at step 1 (Ho et al. 2020, eq. 13; MT-DDPM, eq. 21), over the range -1 to 1.


def diffusion_loss(
    denoiser: Denoiser,
    x0: Tensor,
    condition: Tensor,
    t: Tensor,
    noise: Tensor,
    *,
    context: Tensor | None = None,
    distance: Distance = "l1",
    vlb_weight: float = 0.01,
    weight: Tensor | None = None,
    clean_loss: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Returns the hybrid loss L = L_mean + gamma L_var (MT-DDPM, eq. 22; Nichol & Dhariwal 2021, eq. 16).

    Args:
        denoiser: The model to train.
        x0: Clean images, (B, C, z, y, x), in [-1, 1].
        condition: Shape (B, K, z, y, x).
        t: Times of the denoiser's process, (B,), above 0.
        noise: Standard normal, the shape of x0.
        context: Shape (B, F), or None.
        distance: Mean absolute or mean squared error between the network's output and its target.
        vlb_weight: Gamma; used where the denoiser learns its variance.
        weight: Weight of each voxel, broadcast to x0; None weighs all alike.
        clean_loss: A further loss of the predicted clean image against x0, added without a factor.

    Returns:
        The loss, one number.
    """
    x_t = denoiser.process.add_noise(x0, noise, t)
    output, fraction = denoiser.raw(x_t, t, condition, context)
    error = output - denoiser.target(x0, noise, t)
    loss = _mean(error.abs() if distance == "l1" else error.square(), weight)
    if clean_loss is not None:
        loss = loss + clean_loss(denoiser.to_clean(output, x_t, t), x0)
    if fraction is None:
        return loss
    clean = denoiser.to_clean(output.detach(), x_t, t)
    bound = variational_bound(denoiser.process, x0, x_t, t, Prediction(clean, fraction))
    return loss + vlb_weight * _mean(bound, weight)


def occupancy_dice_loss(clean: Tensor, x0: Tensor) -> Tensor:
    """Returns 1 - soft Dice (Milletari et al. 2016, eq. 1) of masks from -1 (empty) to 1 (full), (B, C, z, y, x).

    A small object counts as much as a large one. In a mean over voxels it would hardly count.
    """
    predicted, true = ((mask.clamp(-1, 1) + 1) / 2 for mask in (clean, x0))
    dimensions = tuple(range(1, clean.dim()))
    overlap = (predicted * true).sum(dimensions)
    total = (predicted.square() + true.square()).sum(dimensions)
    return (1 - (2 * overlap + DICE_SMOOTHING) / (total + DICE_SMOOTHING)).mean()


def variational_bound(process: Process, x0: Tensor, x_t: Tensor, t: Tensor, prediction: Prediction) -> Tensor:
    """Returns the term of the variational lower bound for the step t to t - 1, for each voxel, in nats.

    For t > 1 it is the divergence of q(x_t-1 | x_t, x_0) from the model (MT-DDPM, eq. 18); for t = 1 the negative
    log-likelihood of the clean grey levels (MT-DDPM, eq. 21).

    Args:
        process: A process of integer steps.
        x0: Clean images in [-1, 1], (B, C, z, y, x).
        x_t: Noisy images.
        t: Steps, (B,), from 1 to T.
        prediction: The denoiser's answer to x_t, with a log variance fraction.

    Returns:
        Tensor of x0's shape.

    Raises:
        ValueError: The prediction holds no variance.
    """
    if prediction.log_variance_fraction is None:
        raise ValueError("The variational bound needs a denoiser with a learned variance.")
    posterior = process.posterior(t, t - 1)
    clean, noisy = spread(posterior.clean, x0), spread(posterior.noisy, x0)
    mean = clean * prediction.clean + noisy * x_t
    log_variance = process.log_variance(t, t - 1, prediction.log_variance_fraction)
    true_log_variance = process.log_variance(t, t - 1, torch.zeros_like(log_variance))
    divergence = normal_kl(clean * x0 + noisy * x_t, true_log_variance, mean, log_variance)
    first = spread((t == 1).to(x0.dtype), x0) > 0
    return torch.where(first, -grey_level_log_likelihood(x0, mean, log_variance), divergence)


def normal_kl(mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor) -> Tensor:
    """Returns the Kullback-Leibler divergence KL(N(mean, variance) || N(other)), elementwise, in nats."""
    ratio = torch.exp(log_variance - other_log_variance)
    squared = (mean - other_mean) ** 2 * torch.exp(-other_log_variance)
    return 0.5 * (other_log_variance - log_variance - 1 + ratio + squared)


def grey_level_log_likelihood(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Returns the log-probability that a Gaussian gives the grey level of x (Ho et al. 2020, eq. 13).

    The lowest and the highest grey level include the tails of the Gaussian.
    """
    half = 1 / (GREY_LEVELS - 1)
    scale = torch.exp(-0.5 * log_variance)
    upper = _normal_cdf((x - mean + half) * scale)
    lower = _normal_cdf((x - mean - half) * scale)
    upper = torch.where(x > 1 - half, torch.ones_like(upper), upper)
    lower = torch.where(x < -1 + half, torch.zeros_like(lower), lower)
    return (upper - lower).clamp(min=1e-12).log()


def _normal_cdf(z: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(z / math.sqrt(2)))


def _mean(error: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return error.mean()
    weight = weight.expand_as(error)
    return (weight * error).sum() / weight.sum().clamp(min=1e-12)
