"""Denoising a volume in tiles that are merged at every step, so that no seam forms (MultiDiffusion, Bar-Tal 2023)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.errors import Action, ResourceError, is_out_of_memory
from NephroSynthLib.networks.blocks import Size

TileDenoiser = Callable[[Tensor, Tensor, tuple[slice, slice, slice]], Prediction]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Tiling:
    """Overlapping tiles that cover a volume.

    Args:
        shape: The volume, in voxels (z, y, x).
        tile: A tile, in voxels; cut to the volume.
        overlap: Voxels that neighbours share at least along each axis where the volume does not fit one tile.
        step: Each tile starts at a multiple of it, so that the windows of a network lie alike in tiles and the whole.

    Raises:
        ValueError: The tiles are too small for their overlap, or not larger than it by a step.
    """

    shape: Size
    tile: Size
    overlap: Size
    step: Size = (1, 1, 1)

    def __post_init__(self) -> None:
        axes = zip(self.tile, self.overlap, self.step, self.shape, strict=True)
        if any(2 * o >= t or t - o < s for t, o, s, n in axes if t < n):
            raise ValueError(f"Tiles of {self.tile} voxels are too small for an overlap of {self.overlap}.")

    def __iter__(self) -> Iterator[tuple[slice, slice, slice]]:
        z, y, x = (self._along(axis) for axis in range(3))
        yield from product(z, y, x)

    def _along(self, axis: int) -> list[slice]:
        length, tile, overlap = self.shape[axis], self.tile[axis], self.overlap[axis]
        if tile >= length:
            return [slice(0, length)]
        step = self.step[axis]
        gaps = -(-(length - tile) // ((tile - overlap) // step * step))
        advance = -(-(length - tile) // (gaps * step)) * step
        return [slice(start, min(start + tile, length)) for start in range(0, gaps * advance + 1, advance)]

    def weight(self, where: tuple[slice, slice, slice], device: torch.device) -> Tensor:
        """Returns the blending weight of a tile's voxels (z, y, x).

        It is 1 inside, falls linearly over the middle third of an overlap, and is 0 in the outer third. The answer
        there would depend on the tile, because the tile does not hold all that the network looks at.
        """
        weight = torch.ones((), device=device)
        for axis, part in enumerate(where):
            n, overlap = part.stop - part.start, self.overlap[axis]
            position = torch.arange(n, device=device, dtype=torch.float32)
            unused = overlap // 3
            used = torch.full((n,), torch.inf, device=device)
            if part.start > 0:
                used = torch.minimum(used, position - unused + 1)
            if part.stop < self.shape[axis]:
                used = torch.minimum(used, n - position - unused)
            weight = weight.unsqueeze(-1) * (used / (overlap - 2 * unused + 1)).clamp(0, 1)
        return weight


def tile_shape(shape: Size, voxels: int, smallest: Size) -> Size:
    """Returns the tile that comes from halving the longest axis of a volume until it fits.

    Args:
        shape: The volume, in voxels (z, y, x).
        voxels: The most voxels of a tile.
        smallest: The size that no tile falls below, even if it has more voxels.
    """
    tile = list(shape)
    while tile[0] * tile[1] * tile[2] > voxels:
        halvable = [axis for axis in range(3) if tile[axis] // 2 >= smallest[axis]]
        if not halvable:
            break
        longest = max(halvable, key=lambda axis: tile[axis] / smallest[axis])
        tile[longest] = -(-tile[longest] // 2)
    return tile[0], tile[1], tile[2]


def with_fitting_tile(
    work: Callable[[Size], Done], shape: Size, voxels: int, smallest: Size, device: torch.device
) -> Done:
    """Returns the outcome of work on tiles, which starts again with smaller ones whenever the memory does not suffice.

    Args:
        work: Does the work with a tile of this size.
        shape: The volume, in voxels (z, y, x).
        voxels: The most voxels of the first tile.
        smallest: The size that no tile falls below.
        device: Where the work runs, for the error.

    Raises:
        ResourceError: Even the smallest tile does not fit.
    """
    tile = tile_shape(shape, voxels, smallest)
    while True:
        try:
            return work(tile)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            smaller = tile_shape(shape, tile[0] * tile[1] * tile[2] // 2, smallest)
            if smaller == tile:
                raise ResourceError(
                    f"The device {device} has too little memory even for a tile of {tile} voxels.",
                    Action.FREE_DEVICE_MEMORY,
                ) from None
            tile = smaller


def denoise_tiled(denoise: TileDenoiser, noisy: Tensor, t: float, tiling: Tiling) -> Prediction:
    """Predicts the clean image of a whole volume (batch, channel, z, y, x), tile by tile.

    Args:
        denoise: Predicts one tile from its noisy voxels, the time of each sample (B,) and its place.
        noisy: The volume x_t.
        t: The time t of the process.
        tiling: The tiles.
    """
    tiles = list(tiling)
    times = torch.full((noisy.shape[0],), t, device=noisy.device)
    if len(tiles) == 1:
        return denoise(noisy, times, tiles[0])
    total = torch.zeros(tiling.shape, device=noisy.device)
    clean, fraction = torch.zeros_like(noisy), None
    for where in tiles:
        inside = (slice(None), slice(None), *where)
        weight = tiling.weight(where, noisy.device)
        prediction = denoise(noisy[inside], times, where)
        total[where] += weight
        clean[inside] += weight * prediction.clean
        if prediction.log_variance_fraction is not None:
            fraction = torch.zeros_like(noisy) if fraction is None else fraction
            fraction[inside] += weight * prediction.log_variance_fraction
    return Prediction(clean / total, None if fraction is None else fraction / total)
