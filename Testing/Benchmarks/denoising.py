"""Prints the synthesizer's error at each noise level and number of steps, its samples' calibration, its tiles' effect.

    python Testing/Benchmarks/denoising.py runs/synthesis/held-out [--model NAME] [--tables times steps samples tiles]

The folder holds cases that `nephrosynth train synthesis` keeps for judging. A crop of 24 x 64 x 64 voxels lies around
the middle of each kidney. The model is told the true enhancement, so the errors are those of the image, without the
offset of an exam. All errors are in HU within the window 400/50, against the noise-free truth. The
table of tiles takes whole cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib import options
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.window import WIDTH_HU, from_window, to_window
from NephroSynthLib.methods import tiled_sampling
from NephroSynthLib.methods.condition import condition_channels, exam_context
from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.methods.method import Case, Contrast
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING

TIMES = (1, 50, 200, 400, 600, 800, 950, 1000)
STEPS = (1, 4)
TABLES = ("times", "steps", "samples", "tiles")
MEMORY = {
    "whole": 10**12,
    "cap of a GPU": tiled_sampling.MOST_BYTES["cuda"],
    "cap of a CPU": tiled_sampling.MOST_BYTES["cpu"],
    "smallest tiles": 1,
}
"""Bytes of a tile."""


class Crop(NamedTuple):
    """A part of a held-out case: its phases, the true window of the nephrographic phase in HU, and the kidneys."""

    case: Case
    truth: NDArray[np.float32]
    kidneys: NDArray[np.bool_]


def main() -> None:
    """Prints three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--model", default=options.SYNTHESIS_MODEL.default)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    arguments = parser.parse_args()
    method = DsSnict.restore(load_bundle(arguments.model), "cpu")
    paths = sorted(arguments.cases.glob("*.npz"))
    crops = [crop for path in paths for crop in _crops(path, method.crop)]
    print(f"{len(crops)} crops around kidneys of {arguments.cases}\n")
    if "times" in arguments.tables:
        _print_times(method, crops)
    if "steps" in arguments.tables:
        _print_steps(method, crops)
    if "samples" in arguments.tables:
        _print_samples(method, crops, arguments.samples)
    if "tiles" in arguments.tables:
        for path in paths:
            _print_tiles(method, path)


def _crops(path: Path, size: tuple[int, int, int]) -> Iterator[Crop]:
    with np.load(path) as arrays:
        hu = {name: arrays[name].astype(np.float32) for name in ("noncontrast", "excretory", "nephrographic")}
        kidneys, contrast = arrays["kidneys"], arrays["contrast"]
    for side in np.unique(kidneys[kidneys > 0]):
        middle = np.argwhere(kidneys == side).mean(axis=0)
        starts = [
            int(np.clip(m - n / 2, 0, length - n)) for m, n, length in zip(middle, size, kidneys.shape, strict=True)
        ]
        part = tuple(slice(start, start + n) for start, n in zip(starts, size, strict=True))
        phases = hu["noncontrast"][part], hu["excretory"][part]
        case = Case(*phases, WORKING_SPACING, Contrast(contrast[1], contrast[0]))
        yield Crop(case, from_window(to_window(hu["nephrographic"][part])), kidneys[part] > 0)


def _print_times(method: DsSnict, crops: list[Crop]) -> None:
    process = method.denoiser.process
    print("   t  noise in x_t (HU)  error of the answer in the kidneys (HU)")
    for t in TIMES:
        generator = torch.Generator().manual_seed(t)
        errors = []
        for crop in crops:
            clean = torch.from_numpy(to_window(crop.truth))[None, None]
            noisy = process.add_noise(clean, torch.randn(clean.shape, generator=generator), torch.tensor([t]))
            with torch.inference_mode():
                answer = method.denoiser(noisy, torch.tensor([t]), *_inputs(crop.case)).clean
            errors.append(_error(from_window(answer[0, 0].clamp(-1, 1).numpy()), crop))
        sigma = float(process.sigma(t) / process.alpha(t).clamp(min=1e-4)) * WIDTH_HU / 2
        print(f"{t:4}  {sigma:17.1f}  {np.mean(errors):10.1f}", flush=True)
    print()


def _print_steps(method: DsSnict, crops: list[Crop]) -> None:
    print("steps  PSNR (dB)  error in the kidneys (HU)")
    for steps in STEPS:
        hu = [method.translate(crop.case, SynthesisSettings(steps=steps), 0, Progress()) for crop in crops]
        mse = [float(np.mean((one - crop.truth) ** 2)) for one, crop in zip(hu, crops, strict=True)]
        errors = [_error(one, crop) for one, crop in zip(hu, crops, strict=True)]
        print(f"{steps:5}  {np.mean([psnr_db(m, WIDTH_HU) for m in mse]):9.2f}  {np.mean(errors):6.1f}", flush=True)
    print()


def _print_samples(method: DsSnict, crops: list[Crop], count: int) -> None:
    settings = SynthesisSettings(samples=count)
    spreads, errors, covered = [], [], []
    for crop in crops:
        drawn = [method.translate(crop.case, settings, seed, Progress()) for seed in range(count)]
        error, sd = (np.mean(drawn, axis=0) - crop.truth)[crop.kidneys], np.std(drawn, axis=0, ddof=1)[crop.kidneys]
        errors.append(float(np.sqrt(np.mean(error**2))))
        spreads.append(float(np.sqrt(np.mean(sd**2))))
        covered.append(float(np.mean(np.abs(error) < 2 * sd)))
    print(f"{count} samples of {settings.denoising_steps} steps, in the kidneys:")
    print(f"spread {np.mean(spreads):.1f} HU, error of their mean {np.mean(errors):.1f} HU (root mean squares), "
          f"{np.mean(covered):.0%} of the voxels within two standard deviations")  # fmt: skip


def _print_tiles(method: DsSnict, path: Path) -> None:
    with np.load(path) as arrays:
        phases = arrays["noncontrast"].astype(np.float32), arrays["excretory"].astype(np.float32)
        kidneys, contrast = arrays["kidneys"] > 0, arrays["contrast"]
    case = Case(*phases, WORKING_SPACING, Contrast(contrast[1], contrast[0]))
    print(f"\ncase {path.stem}: {' x '.join(map(str, kidneys.shape))} voxels")
    print("memory of a tile  tiles  kidney HU  largest difference from the whole (HU)")
    whole = None
    for name, most in MEMORY.items():
        events: list[ProgressEvent] = []
        with patch.dict(tiled_sampling.MOST_BYTES, cpu=most):
            hu = method.translate(case, SynthesisSettings(), 0, Progress(events.append))
        whole = hu if whole is None else whole
        difference = np.abs(hu - whole).max()
        print(f"{name:16}  {len(events):5}  {hu[kidneys].mean():9.2f}  {difference:.2f}", flush=True)


def _error(hu: NDArray[np.float32], crop: Crop) -> float:
    return float(np.abs(hu - crop.truth)[crop.kidneys].mean())


def _inputs(case: Case) -> tuple[Tensor, Tensor]:
    """Returns condition and context of a case, as the network takes them."""
    return torch.from_numpy(condition_channels(case))[None], torch.from_numpy(exam_context(case.contrast))[None]


if __name__ == "__main__":
    main()
