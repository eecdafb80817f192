"""The layers of progressive and style-based GANs, in two dimensions (Karras et al. 2018, Karras et al. 2019)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
GAIN = math.sqrt(2)
"""Gain of a layer before a leaky ReLU (He et al. 2015)."""


class _Equalized(nn.Module):
    """Weights of unit variance, scaled when they are used by He's constant (Karras et al. 2018, section 4.1).

    An optimizer that normalizes its steps then learns all layers at one speed.
    """

    def __init__(self, shape: tuple[int, ...], gain: float, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / rate)
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.scale = rate * gain / math.sqrt(math.prod(shape[1:]))
        self.rate = rate


class EqualizedConv(_Equalized):
    """A convolution that keeps the size of an image.

    Args:
        inputs: Channels that come in.
        outputs: Channels that come out.
        kernel: Side of the kernel, odd.
        gain: Gain of He's constant.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, gain: float = GAIN) -> None:
        super().__init__((outputs, inputs, kernel, kernel), gain)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, inputs, y, x) to (n, outputs, y, x)."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class EqualizedLinear(_Equalized):
    """A linear layer.

    Args:
        inputs: Numbers that come in.
        outputs: Numbers that come out.
        gain: Gain of He's constant.
        rate: Its learning rate over that of other layers; 0.01 for a mapping network (Karras et al. 2019, appendix C).
        bias: The bias that training starts from.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = GAIN, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__((outputs, inputs), gain, rate)
        nn.init.constant_(self.bias, bias / rate)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, inputs) to (n, outputs)."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class PixelNorm(nn.Module):
    """Scales features to a mean square of 1 over the channels (Karras et al. 2018, section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, C, ...) to the same shape."""
        return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class BatchDeviation(nn.Module):
    """Adds a channel: the spread of the features over the batch, averaged over all features and places.

    It shows a discriminator whether images lack variation (Karras et al. 2018, section 3).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, C, y, x) to (n, C + 1, y, x)."""
        deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], dim=1)


def judge(width: int) -> nn.Sequential:
    """Returns the last layers of a discriminator, from features (n, width, 4, 4) of the batch to scores (n, 1)."""
    return nn.Sequential(
        BatchDeviation(),
        EqualizedConv(width + 1, width),
        nn.LeakyReLU(SLOPE),
        nn.Flatten(),
        EqualizedLinear(width * 16, width),
        nn.LeakyReLU(SLOPE),
        EqualizedLinear(width, 1, gain=1.0),
    )


def twice(x: Tensor) -> Tensor:
    """Returns images (n, C, y, x) of twice the size, each pixel repeated."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def half(x: Tensor) -> Tensor:
    """Returns images (n, C, y, x) of half the size, each pixel the mean of four."""
    return F.avg_pool2d(x, 2)
