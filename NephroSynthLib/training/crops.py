"""Random crops and augmentation of arrays (channel, z, y, x)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from NephroSynthLib.networks.blocks import Size


def choose_centre(mask: NDArray[np.bool_], rng: np.random.Generator, inside: float) -> Size:
    """Returns a random voxel: within the mask with probability `inside`, else, or if the mask is empty, anywhere."""
    if rng.random() < inside:
        voxels = np.flatnonzero(mask)
        if len(voxels):
            z, y, x = np.unravel_index(rng.choice(voxels), mask.shape)
            return int(z), int(y), int(x)
    z, y, x = (int(rng.integers(n)) for n in mask.shape)
    return z, y, x


@dataclass(frozen=True)
class Warp:
    """The augmentation of a crop.

    Attributes:
        scale: Voxels of the volume along (z, y, x) that one voxel of the crop spans.
        degrees: Rotation about the craniocaudal axis.
        mirrored: Whether left and right are exchanged.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    degrees: float = 0.0
    mirrored: bool = False

    @classmethod
    def random(cls, rng: np.random.Generator, zoom: float, degrees: float) -> Warp:
        """Draws a warp of at most the given relative change of size and rotation."""
        z, y, x = rng.uniform(1 - zoom, 1 + zoom, 3)
        return cls((z, y, x), rng.uniform(-degrees, degrees), bool(rng.integers(2)))

    def matrix(self) -> NDArray[np.float64]:
        """Returns the map from offsets in the crop to offsets in the volume, both (z, y, x) in voxels."""
        angle = np.deg2rad(self.degrees)
        turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
        return turn @ np.diag(self.scale) @ np.diag([1, 1, -1 if self.mirrored else 1])


def crop(
    volumes: NDArray[Any], centre: Size, size: Size, rng: np.random.Generator, warp: Warp, fill: Sequence[float]
) -> NDArray[np.float32]:
    """Returns a crop around a voxel, shifted by whole voxels and interpolated linearly where the warp asks for it.

    Args:
        volumes: Shape (channel, z, y, x), all on one grid.
        centre: Voxel of the volume that will lie within the middle half of the crop.
        size: Size of the crop (z, y, x) in voxels.
        rng: Draws the shift.
        warp: Scale, rotation, mirroring.
        fill: Value of each channel beyond the volume.

    Returns:
        Shape (channel, *size).
    """
    shift = [int(rng.integers(-(n // 4), n // 4 + 1)) for n in size]
    axes = [torch.arange(n, dtype=torch.float32) - n // 2 + s for n, s in zip(size, shift, strict=True)]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1) @ torch.tensor(warp.matrix().T, dtype=torch.float32)
    points += torch.tensor(centre, dtype=torch.float32)
    reach = torch.tensor(volumes.shape[1:], dtype=torch.float32)
    normalized = ((2 * points + 1) / reach - 1).flip(-1)
    level = torch.tensor(list(fill), dtype=torch.float32)[:, None, None, None]
    source = torch.from_numpy(np.ascontiguousarray(volumes, dtype=np.float32)) - level
    sampled = F.grid_sample(source[None], normalized[None], align_corners=False, padding_mode="zeros")[0]
    return (sampled + level).numpy()


def correlated_noise(shape: Size, rng: np.random.Generator, sd: float) -> NDArray[np.float32]:
    """Returns noise of zero mean and standard deviation `sd`, with the grain of a random reconstruction kernel."""
    grain = rng.uniform(0.0, 1.2, 3)
    spectrum = np.ones((), np.float32)
    for n, width, real in zip(shape, grain, (False, False, True), strict=True):
        frequency = np.fft.rfftfreq(n) if real else np.fft.fftfreq(n)
        spectrum = spectrum[..., None] * np.exp(-2 * (np.pi * frequency * width) ** 2)
    noise = np.fft.irfftn(
        np.fft.rfftn(rng.standard_normal(shape, dtype=np.float32)) * spectrum, s=shape, axes=(0, 1, 2)
    )
    return (noise * (sd / max(float(noise.std()), 1e-6))).astype(np.float32)
