"""Sampling a region with a diffusion model, in tiles that fit the memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from NephroSynthLib.diffusion.denoiser import Denoiser, Prediction
from NephroSynthLib.diffusion.samplers import DDIM, DDPM, DPMSolver, Sampler
from NephroSynthLib.diffusion.tiling import Tiling, denoise_tiled, tile_shape
from NephroSynthLib.errors import Action, ResourceError, is_out_of_memory
from NephroSynthLib.imaging.window import from_window
from NephroSynthLib.models.device import autocast, free_memory, in_words
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.condition import condition_channels, exam_context

SMALLEST_TILE: Size = (16, 64, 64)
OVERLAP: Size = (6, 24, 24)
BYTES_PER_VOXEL = 500
MOST_BYTES = {"cpu": 1_200_000_000, "cuda": 8_000_000_000}
"""What a tile takes where there is enough memory: a fixed size, since the tiles leave a trace in the voxels."""


def sample_region(
    noncontrast: np.ndarray,
    excretory: np.ndarray,
    spacing: Sequence[float],
    denoiser: Denoiser,
    settings: SynthesisSettings,
    seed: int,
    progress: Progress = Progress(),
) -> np.ndarray:
    """Samples the nephrographic phase of a region, with smaller tiles whenever the device runs out of memory.

    Args:
        noncontrast: HU (z, y, x), axes superior, posterior, left.
        excretory: HU on the same grid.
        spacing: voxel size (x, y, z) in mm.
        denoiser: the model on its device.
        settings: sampler, steps, samples and the excretory phase's delay.
        seed: of the noise, which does not depend on the tiles.
        progress: told after each denoising step.

    Returns:
        HU in the window (sample, z, y, x), float32.

    Raises:
        ResourceError: If even the smallest tile does not fit.
    """
    device = next(denoiser.parameters()).device
    condition = torch.from_numpy(condition_channels(noncontrast, excretory))[None]
    context = torch.from_numpy(exam_context(spacing, settings.excretory_delay_s))[None].to(device)
    tile = tile_shape(noncontrast.shape, _affordable_voxels(device), SMALLEST_TILE)
    while True:
        tiling = Tiling(noncontrast.shape, tile, OVERLAP)
        parts = [progress.part(i / settings.samples, (i + 1) / settings.samples) for i in range(settings.samples)]
        try:
            samples = [
                _sample(denoiser, condition, context, tiling, settings, seed + index, part)
                for index, part in enumerate(parts)
            ]
            return np.stack(samples)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            smaller = tile_shape(noncontrast.shape, tile[0] * tile[1] * tile[2] // 2, SMALLEST_TILE)
            if smaller == tile:
                raise ResourceError(
                    f"The device {device} has too little memory even for a tile of {tile} voxels.",
                    Action.FREE_DEVICE_MEMORY,
                ) from None
            tile = smaller


def _sample(
    denoiser: Denoiser,
    condition: torch.Tensor,
    context: torch.Tensor,
    tiling: Tiling,
    settings: SynthesisSettings,
    seed: int,
    progress: Progress,
) -> np.ndarray:
    device = context.device
    noise = torch.randn((1, 1, *tiling.shape), generator=torch.Generator().manual_seed(seed)).to(device)
    calls = settings.steps * len(list(tiling))
    called = 0
    message = f"Synthesizing the nephrographic phase ({in_words(device)})"

    def denoise_tile(noisy: torch.Tensor, step: torch.Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        nonlocal called
        prediction = denoiser(noisy, step, condition[(slice(None), slice(None), *part)].to(device), context)
        called += 1
        progress.update(called / calls, message)
        return prediction

    def denoise(noisy: torch.Tensor, step: float) -> Prediction:
        return denoise_tiled(denoise_tile, noisy, step, tiling)

    with torch.inference_mode(), autocast(device):
        generator = torch.Generator(device).manual_seed(seed)
        unit = _sampler(settings, denoiser).sample(denoise, noise, settings.steps, generator)
    return from_window(unit[0, 0].float().clamp(-1, 1)).cpu().numpy()


def _sampler(settings: SynthesisSettings, denoiser: Denoiser) -> Sampler:
    kinds: dict[str, type[DDPM] | type[DDIM] | type[DPMSolver]] = {
        "ddpm": DDPM, "ddim": DDIM, "dpm-solver++": DPMSolver
    }  # fmt: skip
    return kinds[settings.sampler](denoiser.process)


def _affordable_voxels(device: torch.device) -> int:
    most = MOST_BYTES.get(device.type, MOST_BYTES["cpu"])
    return min(most, int(0.6 * free_memory(device))) // BYTES_PER_VOXEL
