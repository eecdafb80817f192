"""Prints time and memory of the bundled synthesizer beside those of the recipe of its paper, on one region.

    python Testing/Benchmarks/paper_recipe.py [--calls 1] [--threads 2]

The recipe of dsSNICT (arXiv 2502.19623) is 50 respaced steps over overlapping windows of 192 x 64 x 32 voxels with a
network of about 54 million weights and Swin blocks at all levels. Its weights are random here, because they change no
time. A few of its window calls are timed, and the time of all follows from their number. The region has
192 x 128 x 48 voxels. Each recipe runs in a process of its own, whose largest memory is told.
"""

from __future__ import annotations

import argparse
import time
from multiprocessing import get_context
from typing import NamedTuple

import torch

from NephroSynthLib import options
from NephroSynthLib.diffusion.tiling import Tiling
from NephroSynthLib.methods.dssnict import CONFIGURATION, DsSnict
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.pipeline import peak_memory_mb

REGION: Size = (48, 128, 192)
WINDOW: Size = (32, 64, 192)
OVERLAP: Size = (15, 31, 0)
STEPS = 50
NETWORK = SwinDenoiserConfig(
    image_channels=1,
    condition_channels=CONFIGURATION.network.condition_channels,
    out_channels=2,
    context_features=CONFIGURATION.network.context_features,
    patch=(1, 2, 2),
    channels=(64, 128, 256, 512),
    strides=((1, 2, 2), (2, 2, 2), (2, 2, 2)),
    blocks=(1, 1, 2, 2),
    attention=(True, True, True, True),
    head_channels=32,
    norm="channel",
)


class Cost(NamedTuple):
    """Weights, calls of the network for the region, seconds of all calls, and the largest memory in MiB."""

    weights: int
    calls: int
    seconds: float
    memory_mb: float


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1, help="calls of each network that are timed")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    print(f"{' x '.join(map(str, REGION[::-1]))} voxels, {given.threads} thread(s)")
    print("recipe    weights     calls  seconds  memory (MiB)")
    for name, measure in {"bundled": _bundled, "paper": _paper}.items():
        with get_context("spawn").Pool(1) as process:
            cost = process.apply(measure, (given.calls, given.threads))
        print(f"{name:8}{cost.weights:10,}{cost.calls:9}{cost.seconds:9.1f}{cost.memory_mb:14.0f}", flush=True)


def _bundled(calls: int, threads: int) -> Cost:
    method = DsSnict.restore(load_bundle(options.SYNTHESIS_MODEL.default), "cpu")
    return _cost(method.configuration, REGION, 1, calls, threads)


def _paper(calls: int, threads: int) -> Cost:
    windows = len(list(Tiling(REGION, WINDOW, OVERLAP)))
    configuration = SwinDiffusion(network=NETWORK, diffusion=CONFIGURATION.diffusion)
    return _cost(configuration, WINDOW, windows * STEPS, calls, threads)


def _cost(configuration: SwinDiffusion, size: Size, needed: int, timed: int, threads: int) -> Cost:
    """Returns the cost of the calls that are needed, of which some are timed after one to warm up."""
    torch.set_num_threads(threads)
    network = configuration.network
    denoiser = configuration.build().eval()
    condition = torch.zeros(1, network.condition_channels, *size)
    context = torch.ones(1, network.context_features)
    noisy, when = torch.randn(1, 1, *size), torch.tensor([denoiser.process.end])
    with torch.inference_mode():
        denoiser(noisy, when, condition, context)
        start = time.perf_counter()
        for _ in range(timed):
            denoiser(noisy, when, condition, context)
        seconds = (time.perf_counter() - start) / timed * needed
    weights = sum(weight.numel() for weight in denoiser.parameters())
    return Cost(weights, needed, seconds, peak_memory_mb())


if __name__ == "__main__":
    main()
