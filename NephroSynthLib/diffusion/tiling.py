"""Denoising a volume in tiles that are merged at every step, so that no seam forms (MultiDiffusion, Bar-Tal 2023)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Prediction

Size = tuple[int, int, int]
TileDenoiser = Callable[[Tensor, Tensor, tuple[slice, slice, slice]], Prediction]


@dataclass(frozen=True)
class Tiling:
    """Overlapping tiles that cover a volume.

    Args:
        shape: the volume, in voxels (z, y, x).
        tile: a tile, in voxels; cut to the volume.
        overlap: voxels that neighbours share along each axis where the volume does not fit one tile.
    """

    shape: Size
    tile: Size
    overlap: Size

    def __post_init__(self) -> None:
        if any(2 * o >= t for t, o, n in zip(self.tile, self.overlap, self.shape, strict=True) if t < n):
            raise ValueError(f"Tiles of {self.tile} voxels are too small for an overlap of {self.overlap}.")

    def __iter__(self) -> Iterator[tuple[slice, slice, slice]]:
        z, y, x = (self._along(axis) for axis in range(3))
        yield from product(z, y, x)

    def _along(self, axis: int) -> list[slice]:
        length, tile, overlap = self.shape[axis], self.tile[axis], self.overlap[axis]
        if tile >= length:
            return [slice(0, length)]
        count = -(-(length - overlap) // (tile - overlap))
        starts = [round(i * (length - tile) / (count - 1)) for i in range(count)]
        return [slice(start, start + tile) for start in starts]

    def weight(self, where: tuple[slice, slice, slice], device: torch.device) -> Tensor:
        """The blending weight of a tile's voxels (z, y, x): 1 inside, falling linearly over the overlaps."""
        weight = torch.ones((), device=device)
        for axis, part in enumerate(where):
            n, overlap = part.stop - part.start, self.overlap[axis]
            position = torch.arange(n, device=device, dtype=torch.float32)
            ramp = torch.ones(n, device=device)
            if part.start > 0:
                ramp = torch.minimum(ramp, (position + 1) / (overlap + 1))
            if part.stop < self.shape[axis]:
                ramp = torch.minimum(ramp, (n - position) / (overlap + 1))
            weight = weight.unsqueeze(-1) * ramp
        return weight


def tile_shape(shape: Size, voxels: int, smallest: Size) -> Size:
    """Halves the longest axis of a volume until a tile has at most `voxels` voxels or is as small as `smallest`."""
    tile = list(shape)
    while tile[0] * tile[1] * tile[2] > voxels:
        halvable = [axis for axis in range(3) if tile[axis] // 2 >= smallest[axis]]
        if not halvable:
            break
        longest = max(halvable, key=lambda axis: tile[axis] / smallest[axis])
        tile[longest] = -(-tile[longest] // 2)
    return tile[0], tile[1], tile[2]


def denoise_tiled(denoise: TileDenoiser, noisy: Tensor, timestep: int, tiling: Tiling) -> Prediction:
    """One denoising step of a whole volume (batch, channel, z, y, x), tile by tile.

    Args:
        denoise: predicts one tile from its noisy voxels, the timestep of each sample (B,) and its place.
        noisy: the volume x_t.
        timestep: the timestep t.
        tiling: the tiles.
    """
    tiles = list(tiling)
    step = torch.full((noisy.shape[0],), timestep, device=noisy.device)
    if len(tiles) == 1:
        return denoise(noisy, step, tiles[0])
    total = torch.zeros(tiling.shape, device=noisy.device)
    clean, fraction = torch.zeros_like(noisy), None
    for where in tiles:
        inside = (slice(None), slice(None), *where)
        weight = tiling.weight(where, noisy.device)
        prediction = denoise(noisy[inside], step, where)
        total[where] += weight
        clean[inside] += weight * prediction.clean
        if prediction.log_variance_fraction is not None:
            fraction = torch.zeros_like(noisy) if fraction is None else fraction
            fraction[inside] += weight * prediction.log_variance_fraction
    return Prediction(clean / total, None if fraction is None else fraction / total)
