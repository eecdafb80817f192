"""The slices of volumes as samples of their own, which is how two-dimensional methods learn."""

from __future__ import annotations

from collections.abc import Mapping

from einops import rearrange
from torch import Tensor

from NephroSynthLib.networks.blocks import Size

SLAB: Size = (6, 128, 128)
"""Size (z, y, x) of the crops of two-dimensional methods: as many voxels as the 24 x 64 x 64 of the others."""
REGION: Size = (24, 64, 64)
"""Size of the crops of three-dimensional methods."""


def as_slices(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns a batch whose samples are the slices of the given one.

    Args:
        batch: Volumes (B, C, z, y, x), all of one size, and vectors (B, F), which each slice of a volume gets.

    Returns:
        Volumes (B * z, C, 1, y, x) and vectors (B * z, F).
    """
    depth = next(value.shape[2] for value in batch.values() if value.dim() == 5)
    return {
        name: rearrange(value, "b c z y x -> (b z) c 1 y x") if value.dim() == 5 else value.repeat_interleave(depth, 0)
        for name, value in batch.items()
    }
