"""The Swin denoiser: a U-Net of residual blocks and shifted-window attention on volumes of any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from NephroSynthLib.networks.attention import SwinBlock
from NephroSynthLib.networks.blocks import (
    ResBlock,
    Size,
    depth_to_space,
    same_conv,
    space_to_depth,
    timestep_embedding,
    zero_init,
)
from NephroSynthLib.networks.norm import NormKind


@dataclass(frozen=True)
class SwinDenoiserConfig:
    """Architecture of a `SwinDenoiser`; JSON in and out.

    Args:
        image_channels: Channels of the noisy image; 0 for a network that sees the condition alone.
        condition_channels: Channels of the condition, which has the size of the image.
        out_channels: Channels that come out, twice the image's where a variance is learned.
        context_features: Numbers that describe the whole volume; 0 for none.
        amplitudes: How many of these numbers, the first ones, the image is linear in besides: the network gives a map
            for each, and their sum, weighted by the numbers, is added to the image.
        patch: Voxels (z, y, x) that one token of the first level stands for.
        channels: Features of each level.
        strides: Reduction (z, y, x) from each level to the next.
        blocks: Residual blocks of each level, on the way down and again on the way up.
        attention: Whether a Swin block follows each residual block, by level.
        window: Tokens (z, y, x) of an attention window.
        head_channels: Features of an attention head.
        full_resolution_channels: Features of the head at full resolution.
        embedding: Length of the timestep embedding.
        norm: Normalization: 'group' over regions, 'channel' within each voxel.
        kernel: Size (z, y, x) of the convolutions, odd; 1 along z, with patch, strides and window alike and the norm
            'channel', makes a two-dimensional network, which sees each slice of a volume on its own.
    """

    image_channels: int = 1
    condition_channels: int = 2
    out_channels: int = 2
    context_features: int = 0
    amplitudes: int = 0
    patch: Size = (1, 2, 2)
    channels: tuple[int, ...] = (32, 64, 128)
    strides: tuple[Size, ...] = ((1, 2, 2), (2, 2, 2))
    blocks: tuple[int, ...] = (1, 2, 2)
    attention: tuple[bool, ...] = (False, True, True)
    window: Size = (4, 4, 4)
    head_channels: int = 32
    full_resolution_channels: int = 8
    embedding: int = 128
    norm: NormKind = "group"
    kernel: Size = (3, 3, 3)

    def __post_init__(self) -> None:
        levels = len(self.channels)
        if not levels or (len(self.strides), len(self.blocks), len(self.attention)) != (levels - 1, levels, levels):
            raise ValueError(
                f"{levels} levels of channels need {levels - 1} strides, {levels} blocks and {levels} attention flags; "
                f"got {len(self.strides)}, {len(self.blocks)} and {len(self.attention)}."
            )
        for channels, attended in zip(self.channels, self.attention, strict=True):
            if attended and channels % self.head_channels:
                raise ValueError(f"{channels} channels cannot be split into heads of {self.head_channels}.")
        sizes = (self.patch, self.window, self.kernel, *self.strides)
        numbers = (self.image_channels + self.condition_channels, self.out_channels, *self.channels, *self.blocks,
                   self.head_channels, self.full_resolution_channels, *(n for size in sizes for n in size))  # fmt: skip
        if any(len(size) != 3 for size in sizes) or min(numbers) < 1:
            raise ValueError("Sizes must be three positive numbers (z, y, x), and channels and blocks positive.")
        counts = (self.image_channels, self.condition_channels, self.context_features)
        if min(counts) < 0 or self.embedding < 2 or self.embedding % 2:
            raise ValueError("No number of channels can be negative; the embedding must be even and positive.")
        if not all(side % 2 for side in self.kernel):
            raise ValueError(f"The sides of a kernel must be odd, got {self.kernel}.")
        if not 0 <= self.amplitudes <= self.context_features or (self.amplitudes and self.image_channels > 1):
            raise ValueError("Amplitudes must be numbers of the context, and need an image of one channel.")
        if self.norm not in get_args(NormKind):
            raise ValueError(f"Unknown normalization '{self.norm}'; there are {', '.join(get_args(NormKind))}.")
        largest = max(*numbers, self.condition_channels, self.context_features, self.embedding)
        if levels > 8 or sum(self.blocks) > 128 or largest > 4096 or math.prod(self.window) > 512:
            raise ValueError("A network has at most 8 levels, 128 blocks, 4096 channels, windows of 512 tokens.")

    @property
    def stride(self) -> Size:
        """Voxels (z, y, x) that one token of the deepest level stands for."""
        z, y, x = (math.prod(factors) for factors in zip(self.patch, *self.strides, strict=True))
        return z, y, x


class Stage(nn.Module):
    """The blocks of one level: residual blocks, each followed by a Swin block where the level has attention.

    Regular and shifted Swin blocks alternate.
    """

    def __init__(self, config: SwinDenoiserConfig, level: int, inputs: int) -> None:
        super().__init__()
        channels = config.channels[level]
        self.residuals = nn.ModuleList(
            ResBlock(inputs if index == 0 else channels, channels, config.embedding, config.norm, config.kernel)
            for index in range(config.blocks[level])
        )
        self.attentions = nn.ModuleList(
            SwinBlock(channels, config.head_channels, config.window, shifted=index % 2 == 1)
            for index in range(config.blocks[level] if config.attention[level] else 0)
        )

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Maps (B, inputs, z, y, x) to (B, channels, z, y, x)."""
        for index, residual in enumerate(self.residuals):
            x = residual(x, embedding)
            if self.attentions:
                x = self.attentions[index](x)
        return x


class SwinDenoiser(nn.Module):
    """U-Net of ResBlocks and Swin blocks that takes a noisy image and a condition of any size, and keeps that size.

    It is the network of dsSNICT and MT-DDPM in three dimensions, with one change: it works on tokens of `patch` voxels,
    and a small head that sees the raw input again restores full resolution. The output of a new network is zero.

    Args:
        config: The architecture.
    """

    def __init__(self, config: SwinDenoiserConfig) -> None:
        super().__init__()
        self.config = config
        channels, embedding, fine = config.channels, config.embedding, config.full_resolution_channels
        inputs = config.image_channels + config.condition_channels
        tokens = math.prod(config.patch)
        self.time = nn.Sequential(nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.context = nn.Linear(config.context_features, embedding) if config.context_features else None
        self.stem = same_conv(inputs * tokens, channels[0], config.kernel)
        self.encoder = nn.ModuleList(Stage(config, level, width) for level, width in enumerate(channels))
        self.downs = nn.ModuleList(
            nn.Conv3d(channels[level], channels[level + 1], stride, stride)
            for level, stride in enumerate(config.strides)
        )
        self.ups = nn.ModuleList(
            nn.Conv3d(channels[level + 1], channels[level], 1) for level in range(len(config.strides))
        )
        self.decoder = nn.ModuleList(Stage(config, level, 2 * channels[level]) for level in range(len(config.strides)))
        self.expand = nn.Conv3d(channels[0], fine * tokens, 1)
        self.head = nn.Sequential(
            same_conv(fine + inputs, fine, config.kernel),
            nn.SiLU(),
            zero_init(same_conv(fine, config.out_channels + config.amplitudes, config.kernel)),
        )
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None) -> Tensor:
        """Runs the network.

        Args:
            x: Noisy image, (B, image_channels, z, y, x), any size.
            t: Timesteps, (B,), from 0 to 1000.
            condition: Shape (B, condition_channels, z, y, x), the image's size.
            context: Shape (B, context_features), needed where the configuration has context features.

        Returns:
            Tensor of shape (B, out_channels, z, y, x).

        Raises:
            ValueError: A shape does not fit the configuration.
        """
        self._check(x, condition, context)
        embedding = self._embed(t, context)
        size = x.shape[2:]
        volume = _pad_to(torch.cat([x, condition], dim=1), self.config.stride)
        *skips, features = self._encode(volume, embedding)
        for level in reversed(range(len(self.downs))):
            upsampled = F.interpolate(self.ups[level](features), size=skips[level].shape[2:], mode="nearest")
            features = self.decoder[level](torch.cat([upsampled, skips[level]], dim=1), embedding)
        fine = depth_to_space(self.expand(features), self.config.patch)
        features = self.head[:2](torch.cat([fine, volume.to(fine.dtype)], dim=1))
        with torch.autocast(features.device.type, enabled=False):
            out = self.head[2](features.float())  # an answer in bfloat16 would be rounded to 0.8 HU
            return self._weigh(out[:, :, : size[0], : size[1], : size[2]], context)

    def features(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None) -> list[Tensor]:
        """Returns the output of each level of the encoder, the finest first; arguments as in `forward`."""
        self._check(x, condition, context)
        volume = _pad_to(torch.cat([x, condition], dim=1), self.config.stride)
        return self._encode(volume, self._embed(t, context))

    def _embed(self, t: Tensor, context: Tensor | None) -> Tensor:
        embedding: Tensor = self.time(timestep_embedding(t, self.config.embedding))
        return embedding if self.context is None else embedding + self.context(context)

    def _encode(self, volume: Tensor, embedding: Tensor) -> list[Tensor]:
        features = self.stem(space_to_depth(volume, self.config.patch))
        levels = []
        for level, stage in enumerate(self.encoder):
            features = stage(features, embedding)
            levels.append(features)
            if level < len(self.downs):
                features = self.downs[level](features)
        return levels

    def _weigh(self, out: Tensor, context: Tensor | None) -> Tensor:
        """Returns the output with the maps of the amplitudes, its last channels, added to the image."""
        count = self.config.amplitudes
        if not count or context is None:
            return out
        plain, maps = out[:, :-count].float(), out[:, -count:].float()
        added = torch.einsum("bkzyx,bk->bzyx", maps, context[:, :count].float())
        return torch.cat([plain[:, :1] + added[:, None], plain[:, 1:]], dim=1)

    def _check(self, x: Tensor, condition: Tensor, context: Tensor | None) -> None:
        config = self.config
        expected = (x.shape[0], config.condition_channels, *x.shape[2:])
        if x.dim() != 5 or x.shape[1] != config.image_channels or condition.shape != expected:
            raise ValueError(
                f"The network takes an image of {config.image_channels} channels and a condition of "
                f"{config.condition_channels}, both (B, C, z, y, x); got {tuple(x.shape)} and {tuple(condition.shape)}."
            )
        given = None if context is None else tuple(context.shape)
        wanted = (x.shape[0], config.context_features) if config.context_features else None
        if given != wanted:
            raise ValueError(f"The network takes a context of shape {wanted}; got {given}.")


def _pad_to(volume: Tensor, stride: Size) -> Tensor:
    """Returns the volume with its last voxels repeated until the stride divides its size, channels last in memory."""
    back = [-size % factor for size, factor in zip(volume.shape[2:], stride, strict=True)]
    if any(back):
        volume = F.pad(volume, (0, back[2], 0, back[1], 0, back[0]), mode="replicate")
    return volume.contiguous(memory_format=torch.channels_last_3d)
