"""The U-Net of the methods without attention, in two dimensions or three: one shape, so that methods compare."""

from __future__ import annotations

from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig

FLAT_CHANNELS = (8, 24, 48)
"""Features of each level of a two-dimensional network."""
DEEP_CHANNELS = (8, 16, 32)
"""Features of each level of a three-dimensional network: fewer, so that it has about as many weights as a flat one."""


def unet(
    *,
    flat: bool,
    image_channels: int,
    condition_channels: int,
    out_channels: int = 1,
    context_features: int = 0,
) -> SwinDenoiserConfig:
    """Returns the architecture of a U-Net of residual blocks (Dhariwal & Nichol 2021) with three levels.

    It normalizes within each voxel, so that its output does not depend on the size of a tile. A flat one has kernels
    and strides of one voxel along z, and so translates each slice of a volume on its own.

    Args:
        flat: Whether it is two-dimensional.
        image_channels: Channels of the noisy image; 0 for a network that translates the condition in one call.
        condition_channels: Channels of the condition.
        out_channels: Channels that come out.
        context_features: Numbers that describe the exam; 0 for none.
    """
    channels = FLAT_CHANNELS if flat else DEEP_CHANNELS
    return SwinDenoiserConfig(
        image_channels=image_channels,
        condition_channels=condition_channels,
        out_channels=out_channels,
        context_features=context_features,
        patch=(1, 2, 2),
        channels=channels,
        strides=((1, 2, 2), (1, 2, 2) if flat else (2, 2, 2)),
        blocks=(1, 1, 2),
        attention=(False, False, False),
        norm="channel",
        kernel=(1, 3, 3) if flat else (3, 3, 3),
        head_channels=channels[0],
    )
