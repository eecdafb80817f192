"""Sampling a volume with a diffusion model, in tiles that fit the memory; shared by all diffusion methods."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.samplers import Sampler
from NephroSynthLib.diffusion.tiling import Tiling, denoise_tiled, with_fitting_tile
from NephroSynthLib.models.device import autocast, free_memory, in_words
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress

SMALLEST_TILE: Size = (40, 160, 160)
OVERLAP: Size = (16, 64, 64)
STEP: Size = (8, 32, 32)
"""Voxels of the attention windows of the deepest level, and a multiple of those of the others."""
BYTES_PER_VOXEL = 500
MOST_BYTES = {"cpu": 1_200_000_000, "cuda": 8_000_000_000}
"""The most memory that a tile takes."""


def sample_tiled(
    denoiser: nn.Module,
    sampler: Sampler,
    condition: Tensor,
    context: Tensor | None,
    steps: int,
    seed: int,
    progress: Progress,
) -> Tensor:
    """Samples a volume, with smaller tiles whenever the device runs out of memory.

    Args:
        denoiser: The model on its device, called as a `Denoiser`.
        sampler: Sampler of the denoiser's process.
        condition: Shape (1, K, z, y, x), on the CPU.
        context: Shape (1, F), or None.
        steps: Steps of the sampler.
        seed: Seed of the noise, which does not depend on the tiles.
        progress: Told after each tile.

    Returns:
        The image, (z, y, x), float32, on the device.

    Raises:
        ResourceError: Even the smallest tile does not fit.
    """
    device = next(denoiser.parameters()).device
    _, _, z, y, x = condition.shape
    shape = (z, y, x)

    def sample(tile: Size) -> Tensor:
        tiling = Tiling(shape, tile, OVERLAP, STEP)
        return _sample(denoiser, sampler, condition, context, tiling, steps, seed, progress)

    return with_fitting_tile(sample, shape, _affordable_voxels(device), SMALLEST_TILE, device)


def _sample(
    denoiser: nn.Module,
    sampler: Sampler,
    condition: Tensor,
    context: Tensor | None,
    tiling: Tiling,
    steps: int,
    seed: int,
    progress: Progress,
) -> Tensor:
    device = next(denoiser.parameters()).device
    start, fresh = (int(state) for state in np.random.SeedSequence(seed).generate_state(2))
    noise = torch.randn((1, 1, *tiling.shape), generator=torch.Generator().manual_seed(start)).to(device)
    told = None if context is None else context.to(device)
    calls = steps * len(list(tiling))
    called = 0
    message = f"Synthesizing the nephrographic phase ({in_words(device)})"

    def denoise_tile(noisy: Tensor, t: Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        nonlocal called
        prediction = denoiser(noisy, t, condition[(slice(None), slice(None), *part)].to(device), told)
        called += 1
        progress.update(called / calls, message)
        return prediction

    def denoise(noisy: Tensor, t: float) -> Prediction:
        return denoise_tiled(denoise_tile, noisy, t, tiling)

    with torch.inference_mode(), autocast(device):
        generator = torch.Generator(device).manual_seed(fresh)
        return sampler.sample(denoise, noise, steps, generator)[0, 0].float()


def _affordable_voxels(device: torch.device) -> int:
    most = MOST_BYTES.get(device.type, MOST_BYTES["cpu"])
    return min(most, int(0.6 * free_memory(device))) // BYTES_PER_VOXEL
