"""A style-based generator and its discriminator, in small (StyleGAN2, Karras et al. 2020).

A mapping network turns latents into styles. The styles modulate the weights of the convolutions. Images of all levels
add up (figure 7b). Left out are noise inputs, style mixing and truncation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from NephroSynthLib.networks.equalized import SLOPE, EqualizedConv, EqualizedLinear, PixelNorm, half, judge, twice

LAYERS = 4
"""Layers of the mapping network; 8 in the paper."""
RATE = 0.01


class ModulatedConv(nn.Module):
    """A convolution whose weights a style scales by input channel; then their norm is set to 1 (eqs. 1 to 3).

    Args:
        inputs: Channels that come in.
        outputs: Channels that come out.
        style: Length of a style.
        kernel: Side of the kernel, odd.
        demodulated: Whether the norm of the weights of each output channel is set to 1.
    """

    def __init__(self, inputs: int, outputs: int, style: int, kernel: int = 3, demodulated: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualizedLinear(style, inputs, gain=1.0, bias=1.0)
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.demodulated = demodulated

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Maps (n, inputs, y, x) and styles (n, style) to (n, outputs, y, x)."""
        weight = self.weights(style)
        together = rearrange(x, "n c y x -> 1 (n c) y x")
        out = F.conv2d(together, weight.flatten(0, 1), padding=weight.shape[-1] // 2, groups=len(x))
        return rearrange(out, "1 (n c) y x -> n c y x", n=len(x)) + self.bias[:, None, None]

    def weights(self, style: Tensor) -> Tensor:
        """Returns the weights of each style, (n, outputs, inputs, k, k)."""
        weight = self.weight * self.scale * self.affine(style)[:, None, :, None, None]
        if not self.demodulated:
            return weight
        return weight * (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()


class StyleBlock(nn.Module):
    """Two modulated convolutions, each with a leaky ReLU that keeps the variance.

    Args:
        inputs: Channels that come in.
        outputs: Channels that come out.
        style: Length of a style.
    """

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.first = ModulatedConv(inputs, outputs, style)
        self.second = ModulatedConv(outputs, outputs, style)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Maps (n, inputs, y, x) and styles (n, style) to (n, outputs, y, x)."""
        for conv in (self.first, self.second):
            x = F.leaky_relu(conv(x, style), SLOPE) * math.sqrt(2)
        return x


class StyleGenerator(nn.Module):
    """Makes slices from latents.

    Args:
        latent: Length of a latent, and of a style.
        widths: Channels at sides of 4, 8, 16 and so on; the last is that of the slices.
    """

    def __init__(self, latent: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.latent = latent
        layers: list[nn.Module] = [PixelNorm()]
        for _ in range(LAYERS):
            layers += [EqualizedLinear(latent, latent, rate=RATE), nn.LeakyReLU(SLOPE)]
        self.mapping = nn.Sequential(*layers)
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        before = [widths[0], *widths[:-1]]
        self.blocks = nn.ModuleList(StyleBlock(a, b, latent) for a, b in zip(before, widths, strict=True))
        self.to_image = nn.ModuleList(ModulatedConv(width, 1, latent, 1, demodulated=False) for width in widths)

    def forward(self, latents: Tensor) -> Tensor:
        """Maps (n, latent) to slices (n, 1, 1, y, x), about [-1, 1], float32."""
        return self.images(self.styles(latents))

    def styles(self, latents: Tensor) -> Tensor:
        """Maps latents (n, latent) to styles (n, latent)."""
        styles: Tensor = self.mapping(latents)
        return styles

    def images(self, styles: Tensor) -> Tensor:
        """Maps styles (n, latent) to slices (n, 1, 1, y, x)."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        image = torch.zeros((), device=x.device)
        for level, (block, to_image) in enumerate(zip(self.blocks, self.to_image, strict=True)):
            x, image = (twice(x), twice(image)) if level else (x, image)
            x = block(x, styles)
            image = image + to_image(x, styles)
        return image.float()[:, :, None]


class ResidualDiscriminator(nn.Module):
    """Judges slices by residual blocks (figure 7c).

    Args:
        widths: As those of the generator.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Sequential(EqualizedConv(1, widths[-1], 1), nn.LeakyReLU(SLOPE))
        pairs = list(pairwise(reversed(widths)))
        self.blocks = nn.ModuleList(
            nn.Sequential(EqualizedConv(a, a), nn.LeakyReLU(SLOPE), EqualizedConv(a, b), nn.LeakyReLU(SLOPE))
            for a, b in pairs
        )
        self.skips = nn.ModuleList(EqualizedConv(a, b, 1, gain=1.0) for a, b in pairs)
        self.judge = judge(widths[0])

    def forward(self, images: Tensor) -> Tensor:
        """Maps slices (n, 1, 1, y, x) to logits (n, 1), float32."""
        x = self.first(images[:, :, 0])
        for block, skip in zip(self.blocks, self.skips, strict=True):
            x = (half(block(x)) + skip(half(x))) / math.sqrt(2)
        logits: Tensor = self.judge(x).float()
        return logits
